internal import Foundation

/// State of the kernel, as `ip -j` and `bridge -j` tell it.
extension LabNamespace {
    /// `ip -j -d link`
    public func links() throws -> [Link] { try list(ip("-j", "-d", "link", "show")) }

    /// The link of that name; nil when there is none.
    public func link(_ name: String) throws -> Link? { try links().first { $0.ifname == name } }

    /// `ip -j addr`, flattened: one element an address.
    public func addresses() throws -> [Address] {
        let links: [LinkWithAddresses] = try list(ip("-j", "addr", "show"))
        return links.flatMap { link in
            (link.addr_info ?? []).map { info in
                Address(
                    link: link.ifname ?? "", text: "\(info.local ?? "")/\(info.prefixlen ?? 0)",
                    scope: info.scope ?? "",
                    isTentative: info.tentative ?? false, isPermanent: info.valid_life_time == 4_294_967_295,
                    broadcast: info.broadcast, isWithoutDetection: info.nodad ?? false)
            }
        }
    }

    /// The addresses of one link as `10.1.0.5/16`, without the IPv6 link-local ones.
    public func addresses(of link: String) throws -> [String] {
        try addresses().filter { $0.link == link && !($0.text.hasPrefix("fe80:") && $0.scope == "link") }.map(\.text)
    }

    /// `ip -4 -j route` and `ip -6 -j route` of one table, `all` for every table.
    public func routes(table: String = "main") throws -> [Route] {
        try ["-4", "-6"].flatMap { family in
            let routes: [Route] = try list(ip(family, "-j", "-d", "route", "show", "table", table))
            return routes
        }
    }

    /// `ip -j neigh`
    public func neighbours() throws -> [Neighbour] { try list(ip("-j", "neigh", "show")) }

    /// `bridge -j -d link`
    public func bridgePorts() throws -> [BridgePort] { try list(shell("bridge -j -d link show")) }

    /// `bridge -j vlan`
    public func bridgeVLANs() throws -> [BridgeVLANs] { try list(shell("bridge -j vlan show")) }

    /// The value of a kernel parameter by its path below /proc/sys/net, such as `ipv4/conf/cni0/forwarding`; nil when
    /// there is none.
    public func sysctl(_ path: String) throws -> String? {
        let outcome = try run("cat", ["/proc/sys/net/" + path])
        return outcome.isSuccess ? outcome.outputText.trimmingCharacters(in: .whitespacesAndNewlines) : nil
    }

    /// One echo request, waiting one second at most for the answer.
    public func ping(_ address: String) throws -> Ping {
        let family = address.contains(":") ? "-6" : "-4"
        let outcome = try run("ping", [family, "-n", "-c1", "-W1", address], timeout: 5)
        let time = outcome.outputText.split(separator: "time=").dropFirst().first?.split(separator: " ").first
        return Ping(
            isAnswered: outcome.isSuccess, milliseconds: time.flatMap { Double($0) }, report: outcome.description)
    }

    /// Older programs print nothing, or a list with an empty object, where there is nothing to list.
    private func list<Element: Decodable>(_ text: String) throws -> [Element] {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return trimmed.isEmpty ? [] : try JSONDecoder().decode([Element].self, from: Data(trimmed.utf8))
    }

    /// What came of one echo request.
    public struct Ping: Sendable {
        public let isAnswered: Bool
        /// Nil where there was no answer.
        public let milliseconds: Double?
        /// All that the program said, for messages.
        public let report: String
    }

    /// A link; the names are those of `ip -j`.
    public struct Link: Decodable, Equatable, Sendable {
        public let ifindex: Int?
        public let ifname: String?
        public let flags: [String]?
        public let mtu: Int?
        public let master: String?
        public let operstate: String?
        /// The hardware address.
        public let address: String?
        /// The name of the other end where it is in the same namespace.
        public let link: String?
        public let link_index: Int?
        public let link_netnsid: Int?
        public let ifalias: String?
        public let promiscuity: Int?
        public let txqlen: Int?
        public let linkinfo: Info?

        public var isUp: Bool { flags?.contains("UP") ?? false }
        public var isPromiscuous: Bool { flags?.contains("PROMISC") ?? false }
        public var kind: String? { linkinfo?.info_kind }

        /// What only links of a kind, or ports, have.
        public struct Info: Decodable, Equatable, Sendable {
            public let info_kind: String?
            public let info_slave_kind: String?
            public let info_data: Data?
            public let info_slave_data: Port?
        }

        /// What bridges, VLANs and macvlans have.
        public struct Data: Decodable, Equatable, Sendable {
            /// Of a macvlan.
            public let mode: String?
            /// Of a macvlan.
            public let bcqueuelen: Int?
            /// Of a VLAN.
            public let id: Int?
            public let vlan_filtering: Int?
            public let stp_state: Int?
            public let forward_delay: Int?
            public let vlan_default_pvid: Int?
        }

        /// What ports of bridges have.
        public struct Port: Decodable, Equatable, Sendable {
            public let state: String?
            public let hairpin: Bool?
            public let isolated: Bool?
        }
    }

    /// An address of a link.
    public struct Address: Equatable, Sendable {
        public let link: String
        /// With prefix length: `10.1.0.5/16`.
        public let text: String
        public let scope: String
        public let isTentative: Bool
        public let isPermanent: Bool
        public let broadcast: String?
        public let isWithoutDetection: Bool
    }

    private struct LinkWithAddresses: Decodable {
        let ifname: String?
        let addr_info: [Info]?

        struct Info: Decodable {
            let local: String?
            let prefixlen: Int?
            let scope: String?
            let broadcast: String?
            let tentative: Bool?
            let nodad: Bool?
            let valid_life_time: UInt32?
        }
    }

    /// A route; the names are those of `ip -j -d`.
    public struct Route: Decodable, Equatable, Sendable {
        public let type: String?
        /// `default`, `10.2.0.0/16`, or an address alone.
        public let dst: String?
        public let gateway: String?
        public let dev: String?
        public let table: String?
        public let `protocol`: String?
        public let scope: String?
        public let prefsrc: String?
        public let metric: Int?
        public let metrics: [Metrics]?
        public let flags: [String]?

        /// What `mtu` and `advmss` say.
        public struct Metrics: Decodable, Equatable, Sendable {
            public let mtu: Int?
            public let advmss: Int?
        }
    }

    /// An entry of the neighbour table.
    public struct Neighbour: Decodable, Equatable, Sendable {
        public let dst: String?
        public let dev: String?
        public let lladdr: String?
        public let state: [String]?
    }

    /// A port of a bridge; the names are those of `bridge -j -d link`.
    public struct BridgePort: Decodable, Equatable, Sendable {
        public let ifname: String?
        public let master: String?
        public let state: String?
        public let hairpin: Bool?
        public let isolated: Bool?
        public let learning: Bool?
        public let flood: Bool?
    }

    /// The VLANs of one link; the names are those of `bridge -j vlan`.
    public struct BridgeVLANs: Decodable, Equatable, Sendable {
        public let ifname: String?
        public let vlans: [VLAN]?

        /// One VLAN, or a range of them.
        public struct VLAN: Decodable, Equatable, Sendable {
            public let vlan: Int?
            public let vlanEnd: Int?
            public let flags: [String]?
        }
    }
}
