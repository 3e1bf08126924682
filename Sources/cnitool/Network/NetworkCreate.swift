public import ArgumentParser
internal import CNI
public import CNINetworks
internal import CNIRuntime
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// `cnitool network create`
struct NetworkCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create networks: write their configurations into NETCONFPATH.",
        discussion: """
            Nothing but the file is made; bridge and rules come with the first container. Containers of two such networks of \
            the driver bridge do not reach each other unless one of the networks has isolate=false. Without --subnet the network \
            gets the first free one of 172.18.0.0/16 to 172.31.0.0/16, 192.168.0.0/20 to 192.168.240.0/20 and \
            10.144.0.0/20 to 10.223.240.0/20. Several names make several networks with the same options, none where one of \
            them is refused. Prints the names of the networks.

            OPTIONS OF DRIVERS (-o)
              bridge   mtu=68…65535, vlan=1…4094, isolate=false (traffic with other bridge networks)
              macvlan  parent=LINK, mode=bridge|private|vepa|passthru, mtu=68…65535,
                       host-shim=true (the host reaches the containers)

            EXIT STATUS
              0 success, 1 refused or failed (one sentence on standard error), 64 wrong usage
            """)

    @Argument(help: "Names of the networks.")
    var names: [String]

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
        help: ArgumentHelp("Option of the driver.", valueName: "key=value"), completion: Completions.driverOptions)
    var options: [String] = []

    @Option(help: "What keeps the rules: iptables or nftables. (default: what the host has)")
    var backend: NewNetwork.Backend?

    @Option(
        help: ArgumentHelp("Link of the host that a macvlan network is on.", valueName: "link"),
        completion: Completions.links)
    var parent: String?

    @Flag(help: "Print the file, and write nothing.")
    var dryRun = false

    @Option(
        help:
            "How to print: plain (the names, or the files of a dry run), or json (objects with name, file and configuration)."
    )
    var format = NameFormat.plain

    func validate() throws {
        let given = [("--subnet", subnet), ("--aux-address", auxAddress)].filter { !$0.1.isEmpty }.map(\.0)
        if names.count > 1, !given.isEmpty {
            throw ValidationError("\(given.joined(separator: " and ")): name one network only, or leave it out")
        }
    }

    private func network(named name: String) -> NewNetwork {
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
            let files = try files(among: folder)
            switch format {
            case .plain: for file in files { try StandardStreams.writeOutput(file.contents) }
            case .json: try StandardStreams.write(.array(files.map { $0.json(in: folder) }))
            }
            return
        }
        do {
            let directory = try Directory(creating: folder.path)
            // Two that choose a subnet at the same time must not choose the same one.
            let lock = try directory.lock("cni.lock")
            try create(directory, folder)
            _ = consume lock
        } catch let error as Errno {
            throw Failure("cannot write into \(folder.path)", error)
        }
    }

    /// Writes all files, or none where one of them cannot be.
    private func create(_ directory: borrowing Directory, _ folder: ConfigurationFolder) throws {
        let files = try files(among: folder)
        for file in files where (try? directory.contains(file.name)) == true {
            throw Failure(
                "\(folder.path)/\(file.name) is there already, with another network in it: choose another name")
        }
        var progress = Progress(of: files.count, as: format)
        for file in files {
            progress.begin("creating \(file.network)")
            do throws(Errno) { try directory.create(file.name, contents: file.contents) } catch {
                try progress.end()
                throw Failure("cannot write \(folder.path)/\(file.name)", error)
            }
            try progress.finish(file.network, file.json(in: folder))
        }
        try progress.end()
    }

    /// A file that is to be written.
    private struct NewFile {
        let network: String
        let name: String
        let document: JSONObject

        var contents: [UInt8] { JSONValue.object(document).text() + [UInt8(ascii: "\n")] }

        func json(in folder: ConfigurationFolder) -> JSONValue {
            [
                "name": .string(network), "file": .string("\(folder.path)/\(name)"),
                "configuration": .object(document),
            ]
        }
    }

    /// What is to be written.
    private func files(among folder: ConfigurationFolder) throws -> [NewFile] {
        var generator = SystemRandomNumberGenerator()
        var surroundings = try NetworkSurroundings(of: folder)
        return try names.map { name in
            let network = network(named: name)
            let document = try network.configuration(in: surroundings, &generator)
            // The next one keeps clear of it.
            surroundings.add(
                try NetworkConfigurationList(JSONField(.object(document))), file: "\(folder.path)/\(network.fileName)")
            return NewFile(network: name, name: network.fileName, document: document)
        }
    }
}

extension NewNetwork.Driver: ExpressibleByArgument {}
extension NewNetwork.Backend: ExpressibleByArgument {}
