internal import CNI
internal import CNINetworks
public import CNIRuntime
internal import JSON
internal import NetworkAddress

/// A network that containers can be attached to, and what it lets them choose.
public struct NetworkOffer: Sendable {
    let network: ConfigurationFolder.Network
    let outline: NetworkOutline
    private let capabilities: Set<String>

    public init(_ network: ConfigurationFolder.Network) {
        self.network = network
        outline = NetworkOutline(network.list)
        capabilities = Set(network.list.plugins.flatMap(\.capabilities))
    }

    public var name: String { network.list.name }

    func has(_ capability: Capability) -> Bool { capabilities.contains(capability.rawValue) }

    /// What a runtime may tell plugins that want to know it (CONVENTIONS.md of CNI).
    enum Capability: String {
        case ips
        case mac
        case portMappings

        /// The option that needs it.
        var option: String {
            switch self {
            case .ips: "--ip"
            case .mac: "--mac-address"
            case .portMappings: "-p"
            }
        }
    }

    /// Refuses an option that the network's plugins would never hear of.
    func require(_ capability: Capability) throws(ContainerRefusal) {
        if has(capability) { return }
        let plugin = capability == .portMappings ? "portmap" : outline.driver
        throw ContainerRefusal(
            "network \"\(name)\" has nothing for \(capability.option): "
                + "give the plugin \(plugin) in \(network.file) the \"capabilities\": {\"\(capability.rawValue)\": true}, "
                + "or leave \(capability.option) out")
    }

    /// Whether an address is one of the network's; true where it does not say which it has.
    func mayHold(_ address: IPAddress) -> Bool {
        outline.ranges.isEmpty || outline.ranges.contains { $0.subnet.contains(address) }
    }

    /// Whether containers may get addresses of a family; true where the network does not say which it has.
    func mayHave(_ family: AddressFamily) -> Bool {
        outline.ranges.isEmpty || outline.ranges.contains { $0.subnet.family == family }
    }

    /// Refuses an address that the network never gives to a container.
    private func checkAvailable(_ address: IPAddress) throws(ContainerRefusal) {
        let ranges = outline.ranges.filter { $0.subnet.contains(address) }
        guard let first = ranges.first else { return }
        if ranges.contains(where: { $0.gateway == address }) {
            throw ContainerRefusal("--ip \(address) is the gateway of network \"\(name)\": choose another one")
        }
        if !ranges.contains(where: { range in
            range.addresses.contains(address) && !range.excluded.contains { $0.contains(address) }
        }) {
            throw ContainerRefusal(
                "--ip \(address) is none of those that network \"\(name)\" gives to containers: "
                    + "choose one from \(first.addresses.lowerBound) to \(first.addresses.upperBound)")
        }
    }

    /// What a container's interface on this network shall have.
    struct Wishes {
        var addresses: [IPAddress] = []
        var mac: MACAddress?
        var aliases: [String] = []
        var ports: [PortPublication] = []
    }

    /// The attachment that fulfils wishes. Ports are for those networks that can publish them.
    func attachment(_ interfaceName: String, _ wishes: Wishes) throws(ContainerRefusal) -> ContainerAttachment {
        var arguments: JSONObject = [:]
        if !wishes.addresses.isEmpty {
            try require(.ips)
            arguments["ips"] = .array(wishes.addresses.map { .string("\($0)") })
        }
        if let mac = wishes.mac {
            try require(.mac)
            arguments["mac"] = .string("\(mac)")
        }
        if !wishes.ports.isEmpty, has(.portMappings) {
            arguments["portMappings"] = .array(wishes.ports.map(\.json))
        }
        return ContainerAttachment(
            network: name, interfaceName: interfaceName, aliases: wishes.aliases, capabilityArguments: arguments,
            configuration: network.list.document)
    }

    /// Gives each address to the network that has it.
    static func addresses(
        _ texts: [String], among offers: [NetworkOffer]
    ) throws(ContainerRefusal) -> [String: [IPAddress]] {
        var addresses: [String: [IPAddress]] = [:]
        for text in texts {
            guard let address = IPAddress(text) else {
                throw ContainerRefusal(
                    "--ip: expected an address such as 172.18.0.9, found \(JSONValue.quoted(text))")
            }
            guard let offer = offers.first(where: { $0.mayHold(address) }) else {
                let subnets = offers.flatMap { offer in offer.outline.ranges.map { "\($0.subnet) of \(offer.name)" } }
                throw ContainerRefusal(
                    "--ip \(address) is in none of \(subnets.joined(separator: ", ")): choose an address of these")
            }
            try offer.require(.ips)
            try offer.checkAvailable(address)
            addresses[offer.name, default: []].append(address)
        }
        return addresses
    }
}
