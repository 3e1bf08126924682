import Foundation

/// The rules of the source tree that a compiler does not know, as functions from a file's text to complaints.
enum LayoutRules {
    /// A file of `Sources`.
    struct File {
        /// Below Sources: `JSON/JSONValue.swift`, `Plugins/bridge/BridgePlugin.swift`.
        let path: String
        let text: String

        /// The folder, which is the target: `JSON`, `bridge`.
        var target: String {
            let parts = path.split(separator: "/").map(String.init)
            return parts.first == "Plugins" ? parts.dropFirst().first ?? "" : parts.first ?? ""
        }

        /// The lines without comments and without what stands in string literals, so that words in texts do not count.
        var code: [String] {
            text.split(separator: "\n", omittingEmptySubsequences: false).map { LayoutRules.codeOnly(String($0)) }
        }
    }

    static let owners = [
        "CJansson": "JSON", "CNetlink": "Netlink", "CLinux": "LinuxSystem", "CMessageDigest": "MessageDigest",
        "CNetfilter": "PacketFilter", "CDBus": "DBus", "CDBusServer": "DBus",
    ]
    /// Modules of Swift whose names look like those of C.
    static let swiftModules: Set = ["CNI", "CNIContainers", "CNIExecution", "CNINetworks", "CNIPlugin", "CNIRuntime"]
    static let pointerOwners: Set = [
        "JSON", "LinuxSystem", "Netlink", "CLinux", "MessageDigest", "PacketFilter", "DBus",
    ]
    /// What runs on its own and not per container may use what suits it.
    static let atLeisure: Set = ["cnitool", "CNIRuntime"]
    static let longest = 400

    /// Everything that is wrong with a file.
    static func complaints(_ file: File) -> [String] {
        (foreignModules(file) + pointers(file) + slowStarters(file) + force(file) + length(file) + documentation(file))
            .map { "\(file.path):\($0)" }
    }

    /// A C module is imported by its owner only.
    static func foreignModules(_ file: File) -> [String] {
        find(file, /\bimport\s+(C[A-Z]\w*)/) { match in
            if swiftModules.contains(match) { return nil }
            if let owner = owners[match] { return owner == file.target ? nil : "\(match) belongs to \(owner)" }
            return "\(match) has no owner in LayoutRules"
        }
    }

    /// Pointers stay with those who own C modules.
    static func pointers(_ file: File) -> [String] {
        if pointerOwners.contains(file.target) { return [] }
        return find(file, /\b(OpaquePointer|Unsafe\w+|withUnsafe\w+)/) { "\($0) outside the owners of C modules" }
    }

    /// Nothing that a runtime executes per container pays for Foundation or the concurrency runtime.
    static func slowStarters(_ file: File) -> [String] {
        if atLeisure.contains(file.target) { return [] }
        return find(file, /\bimport\s+(Foundation\w*|Dispatch|_Concurrency)\b/) { "imports \($0)" }
            + find(file, /\b(async|await|actor)\b/) { "uses \($0)" } + find(file, /\b(Task)\s*[.{(]/) { "uses \($0)" }
    }

    /// Nothing is forced.
    static func force(_ file: File) -> [String] {
        find(file, /(try!|\bas!)/) { "\($0)" }
            + find(file, /([\w\)\]>]!)(?!=)/) { $0 == "y!" ? "try!" : "forces \($0)" }
    }

    /// A file can be read in one go.
    static func length(_ file: File) -> [String] {
        let count = file.text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
        return count > longest ? ["\(count): longer than \(longest) lines"] : []
    }

    /// A public function, subscript or type has a documentation comment.
    ///
    /// Excepted is what its name or a protocol explains: variables, enum cases, `init`, operators, `hash`, and functions
    /// in a type or extension that conforms to something.
    static func documentation(_ file: File) -> [String] {
        let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let declaration =
            /^\s*(?:@\w+(?:\(.*\))?\s+)*public\s+(?:(?:final|static|mutating|consuming|nonisolated|indirect)\s+)*(func|struct|class|enum|protocol|subscript)\b\s*(\S*)/
        return lines.indices.compactMap { index in
            guard let match = lines[index].firstMatch(of: declaration) else { return nil }
            let name = match.output.2
            if match.output.1 == "func" && (name.first?.isLetter != true || name.hasPrefix("hash")) { return nil }
            if match.output.1 == "func" && isInProtocolConformance(lines, index) { return nil }
            var above = index - 1
            while above >= 0 && lines[above].trimmingCharacters(in: .whitespaces).hasPrefix("@") { above -= 1 }
            let isDocumented = above >= 0 && lines[above].trimmingCharacters(in: .whitespaces).hasPrefix("///")
            return isDocumented
                ? nil : "\(index + 1): no documentation: \(lines[index].trimmingCharacters(in: .whitespaces))"
        }
    }

    /// Types whose extensions hold what a protocol, named where the type is declared, documents.
    static let implementations = ["NetlinkSocket"]

    /// Whether the innermost type or extension around a line conforms to something, which then documents its members.
    private static func isInProtocolConformance(_ lines: [String], _ index: Int) -> Bool {
        for line in lines[..<index].reversed() {
            guard line.contains(/^(?:public |final |)*(?:struct|class|enum|extension)\s/) else { continue }
            return line.contains(/^[^{]*:/) || implementations.contains { line.hasPrefix("extension \($0) ") }
        }
        return false
    }

    private static func find(
        _ file: File, _ pattern: Regex<(Substring, Substring)>, _ complaint: (String) -> String?
    ) -> [String] {
        file.code.enumerated().flatMap { number, line in
            line.matches(of: pattern.wordBoundaryKind(.simple)).compactMap {
                complaint(String($0.output.1)).map { "\(number + 1): \($0)" }
            }
        }
    }

    /// A line up to its comment, with nothing left of literals but their quotes; interpolations go with them.
    static func codeOnly(_ line: String) -> String {
        var code = ""
        var isInText = false
        var isEscaped = false
        var previous: Character = " "
        for character in line {
            if isInText {
                if isEscaped {
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else if character == "\"" {
                    isInText = false
                    code.append(character)
                }
            } else if character == "/" && previous == "/" {
                code.removeLast()
                return code
            } else {
                code.append(character)
                isInText = character == "\""
            }
            previous = character
        }
        return code
    }
}
