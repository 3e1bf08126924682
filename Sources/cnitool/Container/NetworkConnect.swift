internal import ArgumentParser
internal import CNI
internal import CNIContainers
internal import CNIRuntime
internal import LinuxSystem

/// `cnitool network connect`
struct NetworkConnect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Attach a container that runs to another network.",
        discussion: """
            The container gets one more interface, and the names of those on the network, as they get its own. Ports that \
            it has published lead to it by this network too. Its /etc/resolv.conf stays what it was when it was started.

            EXAMPLE
              cnitool network connect --ip 172.19.0.9 --alias db net2 web

            EXIT STATUS
              0 success, 1 failure (one sentence on standard error; nothing is changed), 64 wrong usage
            """)

    @Option(help: ArgumentHelp("Address on the network; may be repeated.", valueName: "address"))
    var ip: [String] = []

    @Option(help: ArgumentHelp("Another name for the others on the network; may be repeated.", valueName: "name"))
    var alias: [String] = []

    @Argument(help: "Name of the network.", completion: Completions.networks)
    var network: String

    @Argument(
        help: "Name or id of the container, or the beginning of its id.", completion: Completions.containers)
    var container: String

    func run() throws {
        let settings = try Settings(.current)
        let (networks, damaged) = try settings.configurations.networks()
        let host = ContainerHost(settings)
        for damage in damaged { host.warn("passing over \(damage)") }
        let offer = try ContainerRequest.offer(network, in: networks.map { NetworkOffer($0) }, isRunning: true)
        try host.locked { lock in
            var record = try host.container(container)
            let attachment = try ContainerRequest.attachment(of: record, to: offer, addresses: ip, aliases: alias)
            guard record.state == .running else {
                throw record.refusal
            }
            let before = record
            // Written first: whoever has to remove it knows of it.
            record.attachments.append(attachment)
            try host.store.write(record)
            do {
                record.attachments[record.attachments.count - 1] = try lock.sharing {
                    try host.attach(attachment, of: record).attachment
                }
            } catch {
                try host.store.write(before)
                throw error
            }
            try host.store.write(record)
            try host.store.refreshHosts()
        }
    }
}
