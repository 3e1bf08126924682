public import CNI
public import NetworkAddress

/// What a new network has to keep clear of: other networks, and what the host has.
public struct NetworkSurroundings: Equatable, Sendable {
    /// Addresses that somebody has.
    public struct Occupied: Equatable, Sendable {
        public let prefix: IPPrefix
        /// Who has them, in words that follow "of": `network "blue"`, `link eth0`.
        public let holder: String
        /// The link of the host that it is about; nil for networks.
        public let link: String?

        public init(_ prefix: IPPrefix, holder: String, link: String? = nil) {
            self.prefix = prefix
            self.holder = holder
            self.link = link
        }
    }

    /// The files of the networks that there are, by name.
    public var files: [String: String]
    public var occupied: [Occupied]
    /// The names of the host's links.
    public var links: [String]
    /// The bridges that other networks name, whether they exist or not.
    public var bridges: [String]

    public init(files: [String: String] = [:], occupied: [Occupied] = [], links: [String] = [], bridges: [String] = [])
    {
        self.files = files
        self.occupied = occupied
        self.links = links
        self.bridges = bridges
    }

    /// Adds what a network's configuration claims.
    public mutating func add(_ list: NetworkConfigurationList, file: String) {
        let outline = NetworkOutline(list)
        files[list.name] = file
        bridges += [outline.bridge].compactMap { $0 }
        occupied += outline.ranges.map { Occupied($0.subnet, holder: "network \"\(list.name)\"") }
    }

    /// Adds the address of a link.
    public mutating func add(address: IPPrefix, of link: String) {
        occupied.append(Occupied(address.network, holder: "link \(link)", link: link))
    }

    /// Adds a route. Default routes, and the halves in which some programs write them, claim nothing.
    public mutating func add(route destination: IPPrefix, through link: String) {
        if destination.length <= 1 { return }
        occupied.append(Occupied(destination, holder: "the route through link \(link)", link: link))
    }

    /// Who has addresses of a prefix; `parent` is a link whose own may be shared.
    func holder(of prefix: IPPrefix, parent: String? = nil) -> Occupied? {
        occupied.first { $0.prefix.overlaps(prefix) && ($0.link == nil || $0.link != parent) }
    }
}
