internal import CNI
public import JSON
public import NetworkAddress

/// A network that a container is attached to, or is about to be.
public struct ContainerAttachment: Equatable, Sendable {
    public let network: String
    public let interfaceName: String
    /// Names that the others on this network know the container by, besides its own.
    public let aliases: [String]
    /// What the plugins are told in ADD, and need for DEL where that was never finished.
    public internal(set) var capabilityArguments: JSONObject
    /// The network's configuration at that time, which DEL uses: the file may have changed, or be gone.
    public let configuration: JSONObject
    /// None until ADD is finished.
    public var addresses: [IPAddress] = []
    /// Whether ADD is finished.
    public var isComplete = false

    public init(
        network: String, interfaceName: String, aliases: [String] = [], capabilityArguments: JSONObject = [:],
        configuration: JSONObject = [:], addresses: [IPAddress] = []
    ) {
        self.network = network
        self.interfaceName = interfaceName
        self.aliases = aliases
        self.capabilityArguments = capabilityArguments
        self.configuration = configuration
        self.addresses = addresses
    }

    var json: JSONValue {
        [
            "network": .string(network), "interface": .string(interfaceName),
            "aliases": .array(aliases.map { .string($0) }), "capabilityArguments": .object(capabilityArguments),
            "configuration": .object(configuration), "addresses": .array(addresses.map { .string("\($0)") }),
            "complete": .bool(isComplete),
        ]
    }

    init(_ field: JSONField) throws(JSONError) {
        network = try field["network"].required("a name") { name throws(JSONError) in try name.string() }
        interfaceName = try field["interface"].required("an interface name") { name throws(JSONError) in
            try name.text("an interface name") { Names.isInterfaceName($0) ? $0 : nil }
        }
        aliases = try field["aliases"].strings()
        capabilityArguments = try field["capabilityArguments"].object() ?? [:]
        configuration = try field["configuration"].object() ?? [:]
        isComplete = try field["complete"].bool() ?? false
        for address in try field["addresses"].elements() {
            if let address = try address.text("an address", { IPAddress($0) }) { addresses.append(address) }
        }
    }
}
