public import JSON
public import NetworkAddress

/// What ADD made (specification, section "Success"), in terms of the newest version. ``json(version:)`` prints it in
/// any version, ``init(_:version:)`` reads any.
public struct AttachmentResult: Equatable, Sendable {
    public var interfaces: [Interface]
    public var ips: [IPConfiguration]
    public var routes: [Route]
    public var dns: DNS
    /// Keys that this project does not know; a chained plugin hands them on.
    public var unknown: JSONObject

    public init(
        interfaces: [Interface] = [], ips: [IPConfiguration] = [], routes: [Route] = [], dns: DNS = DNS(),
        unknown: JSONObject = [:]
    ) {
        self.interfaces = interfaces
        self.ips = ips
        self.routes = routes
        self.dns = dns
        self.unknown = unknown
    }
}

extension AttachmentResult {
    /// A link of the host or of the sandbox.
    public struct Interface: Equatable, Sendable {
        public var name: String
        /// The hardware address as text; it need not be an Ethernet one.
        public var mac: String?
        /// In bytes.
        public var mtu: UInt32?
        /// The path of the sandbox, or nil for a link of the host.
        public var sandbox: String?
        public var socketPath: String?
        public var pciID: String?
        public var unknown: JSONObject

        public init(
            name: String, mac: String? = nil, mtu: UInt32? = nil, sandbox: String? = nil, socketPath: String? = nil,
            pciID: String? = nil, unknown: JSONObject = [:]
        ) {
            self.name = name
            self.mac = mac
            self.mtu = mtu
            self.sandbox = sandbox
            self.socketPath = socketPath
            self.pciID = pciID
            self.unknown = unknown
        }
    }

    /// An address on one of the interfaces.
    public struct IPConfiguration: Equatable, Sendable {
        /// The position in ``AttachmentResult/interfaces``; nil in what an IPAM plugin prints.
        public var interface: Int?
        public var address: IPPrefix
        public var gateway: IPAddress?
        public var unknown: JSONObject

        public init(interface: Int? = nil, address: IPPrefix, gateway: IPAddress? = nil, unknown: JSONObject = [:]) {
            self.interface = interface
            self.address = address
            self.gateway = gateway
            self.unknown = unknown
        }
    }

    /// A route in the sandbox.
    public struct Route: Equatable, Sendable {
        public var destination: IPPrefix
        /// Nil: the gateway of the address of the same family.
        public var gateway: IPAddress?
        /// In bytes.
        public var mtu: UInt32?
        /// The maximum segment size to announce, in bytes.
        public var advmss: UInt32?
        /// The metric; of two routes to one destination the lower one wins.
        public var priority: UInt32?
        public var table: UInt32?
        /// As the kernel counts: 0 universe, 253 link, 254 host.
        public var scope: UInt8?
        public var unknown: JSONObject

        public init(
            destination: IPPrefix, gateway: IPAddress? = nil, mtu: UInt32? = nil, advmss: UInt32? = nil,
            priority: UInt32? = nil, table: UInt32? = nil, scope: UInt8? = nil, unknown: JSONObject = [:]
        ) {
            self.destination = destination
            self.gateway = gateway
            self.mtu = mtu
            self.advmss = advmss
            self.priority = priority
            self.table = table
            self.scope = scope
            self.unknown = unknown
        }
    }

    /// What a container's resolv.conf should say (resolv.conf(5)).
    public struct DNS: Equatable, Sendable {
        public var nameservers: [String]
        public var domain: String?
        public var search: [String]
        public var options: [String]
        public var unknown: JSONObject

        public init(
            nameservers: [String] = [], domain: String? = nil, search: [String] = [], options: [String] = [],
            unknown: JSONObject = [:]
        ) {
            self.nameservers = nameservers
            self.domain = domain
            self.search = search
            self.options = options
            self.unknown = unknown
        }

        public var isEmpty: Bool { self == DNS() }
    }
}
