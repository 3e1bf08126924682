public import ArgumentParser
public import CNINetworks
internal import CNIRuntime
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// `cnitool network create`
struct NetworkCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a network: write its configuration into NETCONFPATH.",
        discussion: """
            Nothing but the file is made; bridge and rules come with the first container. Without --subnet the network \
            gets the first free one of 172.18.0.0/16 to 172.31.0.0/16, 192.168.0.0/20 to 192.168.240.0/20 and \
            10.144.0.0/20 to 10.223.240.0/20. Prints the name of the network.

            OPTIONS OF DRIVERS (-o)
              bridge   mtu=68…65535, vlan=1…4094, isolate=true (no traffic from other isolated networks)
              macvlan  parent=LINK, mode=bridge|private|vepa|passthru, mtu=68…65535,
                       host-shim=true (the host reaches the containers)

            EXIT STATUS
              0 success, 1 refused or failed (one sentence on standard error), 64 wrong usage
            """)

    @Argument(help: "Name of the network.")
    var name: String

    @Option(name: [.short, .long], help: "What connects the containers: bridge or macvlan.")
    var driver = NewNetwork.Driver.bridge

    @Option(help: ArgumentHelp("Network of the containers; may be repeated.", valueName: "prefix"))
    var subnet: [String] = []

    @Option(help: ArgumentHelp("Gateway of a subnet. (default: its first address)", valueName: "address"))
    var gateway: [String] = []

    @Option(help: ArgumentHelp("Part of a subnet that containers get addresses from.", valueName: "prefix"))
    var ipRange: [String] = []

    @Flag(name: .customLong("ipv6"), help: "Have an IPv6 network too, a random private one unless a subnet is given.")
    var hasIPv6 = false

    @Flag(name: .customLong("internal"), help: "Containers reach each other and the host, and nobody else.")
    var isInternal = false

    @Option(help: ArgumentHelp("An address that no container gets; may be repeated.", valueName: "name=address"))
    var auxAddress: [String] = []

    @Option(
        name: [.customShort("o"), .customLong("opt")],
        help: ArgumentHelp("Option of the driver.", valueName: "key=value"))
    var options: [String] = []

    @Option(help: "What keeps the rules: iptables or nftables. (default: what the host has)")
    var backend: NewNetwork.Backend?

    @Option(help: ArgumentHelp("Link of the host that a macvlan network is on.", valueName: "link"))
    var parent: String?

    @Flag(help: "Print the file, and write nothing.")
    var dryRun = false

    private var network: NewNetwork {
        var network = NewNetwork(name: name)
        network.driver = driver
        network.subnets = subnet
        network.gateways = gateway
        network.ranges = ipRange
        network.hasIPv6 = hasIPv6
        network.isInternal = isInternal
        network.auxiliaries = auxAddress
        network.options = options
        network.backend = backend
        network.parent = parent
        return network
    }

    func run() throws {
        let settings = try Settings(.current)
        ContainerHost.clean(settings)
        let folder = settings.configurations
        if dryRun {
            try StandardStreams.writeOutput(try text(among: folder))
            return
        }
        do {
            let directory = try Directory(creating: folder.path)
            // Two that choose a subnet at the same time must not choose the same one.
            let lock = try directory.lock("cni.lock")
            try directory.create(network.fileName, contents: try text(among: folder))
            _ = consume lock
        } catch let error as Errno {
            let file = "\(folder.path)/\(network.fileName)"
            guard error == .fileExists else { throw Failure("cannot write \(file): \(error)") }
            throw Failure("\(file) is there already, with another network in it: choose another name")
        }
        print(name)
    }

    /// The file's contents.
    private func text(among folder: ConfigurationFolder) throws -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let surroundings = try NetworkSurroundings(of: folder)
        let document = try network.configuration(in: surroundings, &generator)
        return JSONValue.object(document).text() + [UInt8(ascii: "\n")]
    }
}

extension NewNetwork.Driver: ExpressibleByArgument {}
extension NewNetwork.Backend: ExpressibleByArgument {}
