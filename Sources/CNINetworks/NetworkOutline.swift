public import CNI
internal import JSON
public import NetworkAddress

/// What people want to know of a network first, as its configuration tells it. What the plugins would refuse is left out.
public struct NetworkOutline: Equatable, Sendable {
    /// Addresses that host-local hands out.
    public struct Range: Equatable, Sendable {
        public let subnet: IPPrefix
        /// The first and the last address to be handed out.
        public let addresses: ClosedRange<IPAddress>
        public let gateway: IPAddress
        /// What is never handed out.
        public let excluded: [IPPrefix]
    }

    public let name: String
    /// The type of the first plugin: `bridge`, `macvlan`, ….
    public let driver: String
    /// The link that containers are attached to, where the driver is `bridge`.
    public let bridge: String?
    public let ranges: [Range]
    /// Where host-local keeps the leases of all networks; nil where there is no host-local.
    public let leaseFolder: String?

    public init(_ list: NetworkConfigurationList) {
        name = list.name
        let first = list.plugins.first
        let document = JSONField(.object(first?.document ?? [:]))
        driver = first?.type ?? ""
        bridge = driver == "bridge" ? NetworkOutline.text(document, "bridge") ?? "cni0" : nil
        guard let ipam = try? document["ipam"], NetworkOutline.text(ipam, "type") == "host-local" else {
            ranges = []
            leaseFolder = nil
            return
        }
        leaseFolder = NetworkOutline.text(ipam, "dataDir") ?? "/var/lib/cni/networks"
        let sets = (try? ipam["ranges"].elements()) ?? []
        ranges = ([ipam] + sets.flatMap { (try? $0.elements()) ?? [] }).compactMap(Range.init)
    }

    /// The networks that need no file: a container has the host's network, or none.
    public static let builtIn = NewNetwork.builtIn.map { NetworkOutline(builtIn: $0) }

    private init(builtIn name: String) {
        self.name = name
        driver = name == "none" ? "loopback" : name
        bridge = nil
        ranges = []
        leaseFolder = nil
    }

    private static func text(_ field: JSONField, _ key: String) -> String? {
        (try? field[key].text("a text") { $0 }) ?? nil
    }
}

extension NetworkOutline.Range {
    /// Reads a range as host-local does; nil where there is none.
    fileprivate init?(_ field: JSONField) {
        func address(_ key: String) -> IPAddress? { (try? field[key].text("an address") { IPAddress($0) }) ?? nil }
        guard let subnet = (try? field["subnet"].text("a network") { IPPrefix($0) }) ?? nil,
            subnet.length <= subnet.family.bitWidth - 2, let first = subnet.first.next,
            let last = subnet.family == .ipv4 ? subnet.last.previous : subnet.last
        else { return nil }
        let start = max(address("rangeStart") ?? first, first)
        let end = min(address("rangeEnd") ?? last, last)
        guard start <= end, start.family == subnet.family, end.family == subnet.family else { return nil }
        self.subnet = subnet.network
        addresses = start...end
        gateway = address("gateway") ?? first
        let texts = ((try? field["exclude"].elements()) ?? []).compactMap { (try? $0.string()) ?? nil }
        excluded = texts.compactMap { text in IPPrefix(text)?.network ?? IPAddress(text).map { IPPrefix(only: $0) } }
    }
}
