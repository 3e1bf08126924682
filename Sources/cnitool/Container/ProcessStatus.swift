internal import ArgumentParser
internal import CNIContainers
internal import CNIRuntime
internal import JSON
internal import LinuxSystem

/// `cnitool ps`
struct ProcessStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "List the containers that run.",
        discussion: """
            With --format json it is one array of objects: id, name, hostname, command (array), created (seconds since \
            1970), state (starting, running or ending), process, sandbox, networks (network, interface, addresses and \
            aliases each) and ports as portmap has them.

            EXIT STATUS
              0 success, 1 failure (one sentence on standard error), 64 wrong usage
            """)

    @Option(help: "How to print: table or json.")
    var format = OutputFormat.table

    @Flag(name: [.short, .long], help: "Print the short ids only, one a line.")
    var quiet = false

    func run() throws {
        let host = ContainerHost(try Settings(.current))
        let containers = try host.locked { _ in try host.store.living() }
        if quiet { return containers.forEach { print(ContainerNames.short($0.id)) } }
        let now = Directory.Time.now.seconds
        let rows = containers.map { ContainerRow($0, now: now) }
        switch format {
        case .json: try StandardStreams.write(.array(rows.map(\.json)))
        case .table:
            var table = Table(headings: ContainerRow.headings)
            table.rows = rows.map(\.cells)
            try StandardStreams.writeOutput(Array(table.text().utf8))
        }
    }
}
