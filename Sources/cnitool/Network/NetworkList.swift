internal import ArgumentParser
internal import CNI
internal import CNINetworks
internal import CNIRuntime
internal import JSON
internal import LinuxSystem
internal import NetworkAddress

/// `cnitool network ls`
struct NetworkList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the networks.",
        discussion: """
            Attachments are those in the result cache. The networks "host" and "none" need no file. With --format json it is \
            one array of objects: name, driver, subnets (array), attachments (number, null where that cannot be read) and file (null for "host" and "none").

            EXIT STATUS
              0 success, 1 failure (one sentence on standard error), 64 wrong usage
            """)

    @Option(help: "How to print: table or json.")
    var format = OutputFormat.table

    @Flag(name: [.short, .long], help: "Print the names only, one a line.")
    var quiet = false

    @OptionGroup var cacheOptions: CacheOptions

    func run() throws {
        let settings = try Settings(.current)
        ContainerHost.clean(settings)
        let (networks, damaged) = try settings.configurations.networks()
        for damage in damaged { StandardStreams.writeError("warning: passing over \(damage)\n") }
        let counts = attachmentCounts()
        var rows: [Row] = networks.map { network in
            Row(
                NetworkOutline(network.list), attachments: counts.map { $0[network.list.name] ?? 0 },
                file: network.file)
        }
        let names = Set(rows.map(\.network.name))
        for network in NetworkOutline.builtIn where !names.contains(network.name) { rows.append(Row(network)) }
        rows.sort { $0.network.name < $1.network.name }
        if quiet { return rows.forEach { print($0.network.name) } }
        switch format {
        case .json: try StandardStreams.write(.array(rows.map(\.json)))
        case .table:
            var table = Table(headings: ["NAME", "DRIVER", "SUBNETS", "ATTACHMENTS", "FILE"])
            table.rows = rows.map(\.cells)
            try StandardStreams.writeOutput(Array(table.text().utf8))
        }
    }

    /// How many attachments each network has that has any; nil where this user may not know.
    private func attachmentCounts() -> [String: Int]? {
        do throws(RuntimeError) {
            let (entries, unreadable) = try ResultCache(cacheOptions.cache).entries()
            for damage in unreadable { StandardStreams.writeError("warning: passing over \(damage)\n") }
            return Dictionary(grouping: entries, by: \.attachment.network).mapValues(\.count)
        } catch {
            StandardStreams.writeError("warning: attachments cannot be counted: \(error)\n")
            return nil
        }
    }

    /// What is told of one network.
    private struct Row {
        let network: NetworkOutline
        let attachments: Int?
        let file: String?

        init(_ network: NetworkOutline, attachments: Int? = 0, file: String? = nil) {
            self.network = network
            self.attachments = attachments
            self.file = file
        }

        private var subnets: [String] { network.ranges.map(\.subnet.description) }

        var cells: [String] {
            [
                network.name, network.driver, subnets.isEmpty ? "-" : subnets.joined(separator: ","),
                file == nil ? "-" : attachments.map { "\($0)" } ?? "?", file ?? "-",
            ]
        }

        var json: JSONValue {
            [
                "name": .string(network.name), "driver": .string(network.driver),
                "subnets": .array(subnets.map { .string($0) }),
                "attachments": attachments.map { .integer(Int64($0)) } ?? .null,
                "file": file.map { .string($0) } ?? .null,
            ]
        }
    }
}
