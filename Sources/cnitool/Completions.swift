internal import ArgumentParser
internal import CNI
internal import CNIContainers
internal import CNINetworks
internal import CNIRuntime
internal import LinuxSystem
internal import Netlink

/// What a shell offers for a word that somebody has begun; nothing where this user may not know. Nothing is changed for it.
enum Completions {
    /// Networks that have a file.
    static let networks = CompletionKind.custom { _, _, _ in networkNames }

    /// Those, and the ones that need no file.
    static let allNetworks = CompletionKind.custom { _, _, _ in networkNames + NewNetwork.builtIn }

    /// Containers that run: by their names, and by their short ids where they have none.
    static let containers = CompletionKind.custom { _, _, _ in
        guard let settings = try? Settings(.current) else { return [] }
        return ((try? ContainerStore(settings.state).living()) ?? []).map(\.title)
    }

    /// Links of the host.
    static let links = CompletionKind.custom { _, _, _ in
        ((try? NetlinkSocket().links()) ?? []).map(\.name).filter { $0 != "lo" }.sorted()
    }

    /// Keys of the driver that the line names, with the values that are words.
    static let driverOptions = CompletionKind.custom { words, _, _ in
        let driver = words.contains { $0.hasSuffix(NewNetwork.Driver.macvlan.rawValue) }
        return (driver ? NewNetwork.Driver.macvlan : .bridge).optionExamples
    }

    /// A program for the first word of a command, files for the others.
    static let command = CompletionKind.custom { words, index, prefix in
        let isProgram = index < 1 || !words.indices.contains(index - 1) || isBeforeCommand(words, index)
        return isProgram && !prefix.contains("/") ? programs(prefix) : files(prefix)
    }

    private static var networkNames: [String] {
        guard let settings = try? Settings(.current), let found = try? settings.configurations.networks() else {
            return []
        }
        return found.networks.map(\.list.name)
    }

    /// Whether no word of the command stands before this one: "--" does, or an option's value, or the container of exec.
    private static func isBeforeCommand(_ words: [String], _ index: Int) -> Bool {
        if let end = words.firstIndex(of: "--"), end < index { return end == index - 1 }
        let before = words[..<index].dropFirst(2)
        if words.dropFirst().first == "exec" { return before.count { !$0.hasPrefix("-") } == 1 }
        guard let last = before.last else { return true }
        return last.hasPrefix("-") || before.dropLast().last?.hasPrefix("-") == true
    }

    private static func programs(_ prefix: String) -> [String] {
        let folders = (ProcessEnvironment.current["PATH"] ?? "").split(separator: ":").map(String.init)
        let found = folders.flatMap { folder in
            names(in: folder, prefix).filter { isExecutableFile("\(folder)/\($0)") }
        }
        return Set(found).sorted()
    }

    /// Paths that begin so.
    private static func files(_ prefix: String) -> [String] {
        guard let slash = prefix.lastIndex(of: "/") else { return names(in: ".", prefix).sorted() }
        let folder = prefix[...slash]
        return names(in: String(folder), String(prefix[prefix.index(after: slash)...])).sorted().map { folder + $0 }
    }

    private static func names(in folder: String, _ prefix: String) -> [String] {
        ((try? Directory(folder).names()) ?? []).filter { $0.hasPrefix(prefix) }
    }
}
