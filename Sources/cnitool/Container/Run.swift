internal import ArgumentParser
internal import CNIContainers
internal import CNIRuntime
internal import JSON
internal import LinuxSystem

/// `cnitool run`
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command in a container: a sandbox on networks, with names for the others there.",
        discussion: """
            The command gets a network namespace of its own with an interface (eth0, eth1, …) on each network, and mount \
            and host name namespaces of its own; the files are those of the host. /etc/hosts names the containers that \
            share a network with it, and is kept up to date; /etc/resolv.conf is what the networks say, where they say \
            something. When the command ends, the processes that it left are ended, and everything is detached and \
            removed. SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on to it. When cnitool is killed, the command ends with \
            it, and the next run, ps, stop, exec, gc or network command removes what is left.

            Without --network the network is the one named "default", or the only one that there is. "--network host" is \
            the network of the host, "--network none" a sandbox with nothing but lo.

            The network namespace is at /run/netns/cnitool-ID, where "ip netns exec cnitool-ID" finds it. With --detach \
            the command goes on in the background without standard streams, and the container's id is printed.

            EXAMPLE
              cnitool run --network net1 --name web -p 8080:80 -d -- busybox httpd -f -p 80
              cnitool run --network net1 -- ping -c 1 web
              cnitool run --network net1 --network net2 --ip 172.19.0.9 --alias db -- postgres
              cnitool stop web

            EXIT STATUS
              that of the command, or 128 and the signal's number where a signal ended it; 125 cnitool failed (one \
            sentence on standard error), 126 the command cannot be executed, 127 there is no such command, 64 wrong usage
            """)

    @Option(
        help: ArgumentHelp("Network to attach to; may be repeated.", valueName: "name"),
        completion: Completions.allNetworks)
    var network: [String] = []

    @Option(help: ArgumentHelp("Address on the network whose subnet has it; may be repeated.", valueName: "address"))
    var ip: [String] = []

    @Option(help: ArgumentHelp("Hardware address of eth0.", valueName: "address"))
    var macAddress: String?

    @Option(
        name: [.customShort("p"), .customLong("publish")],
        help: ArgumentHelp(
            "Publish ports: [HOSTIP:][HOSTPORT:]CONTAINERPORT[/tcp|udp|sctp], each may be a range; may be repeated.",
            valueName: "ports"))
    var ports: [String] = []

    @Option(help: "Name of the container, also for the others on its networks.")
    var name: String?

    @Option(help: ArgumentHelp("Host name in the container. (default: the short id)", valueName: "name"))
    var hostname: String?

    @Option(
        help: ArgumentHelp(
            "Know a running container by another name; may be repeated.", valueName: "container[:alias]"),
        completion: Completions.containers)
    var link: [String] = []

    @Option(help: ArgumentHelp("Another name for the others on its networks; may be repeated.", valueName: "name"))
    var alias: [String] = []

    @Flag(name: [.short, .long], help: "Run in the background and print the container's id.")
    var detach = false

    @Option(help: "How to print the id: plain, or json for an object with id and name.")
    var format = NameFormat.plain

    @Flag(name: .customLong("rm"), help: "Accepted: everything of a container is removed anyway.")
    var isRemoved = false

    @OptionGroup var customary: CustomaryOptions
    @OptionGroup var cacheOptions: CacheOptions

    @Argument(
        parsing: .captureForPassthrough, help: "The command and its arguments, after \"--\" or alone.",
        completion: Completions.command)
    var command: [String]

    func validate() throws { _ = try Passthrough.command(command, of: self) }

    private var request: ContainerRequest {
        var request = ContainerRequest()
        request.networks = network
        request.addresses = ip
        request.mac = macAddress
        request.ports = ports
        request.name = name
        request.hostName = hostname
        request.links = link
        request.aliases = alias
        return request
    }

    func run() throws {
        do {
            try start()
        } catch let status as ExitCode {
            throw status
        } catch {
            StandardStreams.writeError("Error: \(error)\n")
            throw ExitCode(125)
        }
    }

    /// Prints what has been started in the background.
    private func report(_ identifier: String) throws {
        switch format {
        case .plain: print(identifier)
        case .json:
            try StandardStreams.write(["id": .string(identifier), "name": name.map { .string($0) } ?? .null])
        }
    }

    private func start() throws {
        let command = try Passthrough.command(command, of: self)
        let settings = try Settings(.current)
        let (networks, damaged) = try settings.configurations.networks()
        for damage in damaged { StandardStreams.writeError("warning: passing over \(damage)\n") }
        let plan = try request.plan(networks.map { NetworkOffer($0) })
        let program = try Passthrough.program(command)
        var generator = SystemRandomNumberGenerator()
        let identifier = ContainerNames.newIdentifier(&generator)
        var announcement: BackgroundProcess.Announcement?
        if detach {
            switch try BackgroundProcess.start() {
            case .background(let own): announcement = own
            case .foreground(let ending):
                let status = Passthrough.status(ending)
                if status == 0 { try report(identifier) }
                throw ExitCode(status)
            }
        }
        let work = Supervisor.Request(
            identifier: identifier, program: program, command: command, cache: cacheOptions.cache,
            announcement: announcement)
        throw ExitCode(try Supervisor(work, plan, settings).run())
    }
}
