internal import ArgumentParser
internal import CNIContainers
internal import CNIRuntime
internal import JSON
internal import LinuxSystem

/// `cnitool network disconnect`
struct NetworkDisconnect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disconnect",
        abstract: "Detach a container that runs from a network.",
        discussion: """
            The others on the network forget its names, and it theirs.

            EXAMPLE
              cnitool network disconnect net2 web

            EXIT STATUS
              0 success, 1 failure (one sentence on standard error), 64 wrong usage
            """)

    @Flag(
        name: [.short, .long],
        help: "Forget the attachment even where the plugins fail; one that is not there is no failure.")
    var force = false

    @Argument(help: "Name of the network.", completion: Completions.networks)
    var network: String

    @Argument(
        help: "Name or id of the container, or the beginning of its id.", completion: Completions.containers)
    var container: String

    func run() throws {
        let host = ContainerHost(try Settings(.current))
        try host.locked { lock in
            var record = try host.container(container)
            guard record.attachments.contains(where: { $0.network == network }) else {
                if force { return }
                let networks = record.attachments.map(\.network).joined(separator: ", ")
                throw ContainerRefusal(
                    "container \(record.title) is not on network \(JSONValue.quoted(network)): "
                        + (networks.isEmpty ? "it is on no network" : "it is on \(networks)"))
            }
            guard record.state == .running else {
                throw record.refusal
            }
            try host.disconnect(&record, from: network, lock, force: force)
        }
    }
}
