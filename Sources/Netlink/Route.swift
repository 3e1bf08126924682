internal import CNetlink
internal import Glibc
internal import LinuxSystem
public import NetworkAddress
internal import SystemPackage

/// A route (`ip route show`).
public struct Route: Equatable, Sendable {
    /// One way to the destination.
    public struct NextHop: Equatable, Sendable {
        /// Nil: the destination is on the link itself.
        public var gateway: IPAddress?
        /// The index of the link to leave by.
        public var link: Int32

        public init(gateway: IPAddress? = nil, link: Int32) {
            self.gateway = gateway
            self.link = link
        }
    }

    // Zeros mean to the kernel what nil means here, and are never told by it: they are nil from the start.

    /// Without host bits.
    public var destination: IPPrefix
    /// One way, or several that share the traffic (ECMP).
    public var nextHops: [NextHop]
    /// In bytes.
    public var mtu: UInt32?
    /// The maximum segment size to announce, in bytes.
    public var advmss: UInt32?
    /// The metric; the lower one wins. Nil: the kernel's default for the family, 0 or 1024.
    public var priority: UInt32?
    /// Nil: the main table, 254.
    public var table: UInt32?
    /// 0 universe, 253 link, 254 host. Nil: link where there is no gateway, else universe. IPv6 knows none.
    public var scope: UInt8?

    public init(
        destination: IPPrefix, nextHops: [NextHop], mtu: UInt32? = nil, advmss: UInt32? = nil, priority: UInt32? = nil,
        table: UInt32? = nil, scope: UInt8? = nil
    ) {
        self.destination = destination.network
        self.nextHops = nextHops
        self.mtu = mtu == 0 ? nil : mtu
        self.advmss = advmss == 0 ? nil : advmss
        self.priority = priority == 0 && destination.family == .ipv6 ? nil : priority
        self.table = table == 0 ? nil : table
        self.scope = scope
    }

    static let mainTable: UInt32 = 254

    /// As many ways to one destination as surely fit a message; nobody has more than a few.
    static let mostNextHops = 128
}

extension NetlinkSocket {
    public func add(_ route: Route) throws(NetlinkError) {
        guard route.nextHops.count <= Route.mostNextHops else {
            throw NetlinkError(
                operation: "add route \(route.destination)", errno: .messageTooLong,
                message: "\(route.nextHops.count) ways, at most \(Route.mostNextHops)")
        }
        try connection.perform(
            "add route \(route)", route.message(RTM_NEWROUTE, flags: Int32(NLM_F_CREATE | NLM_F_EXCL)))
    }

    @discardableResult
    public func delete(_ route: Route) throws(NetlinkError) -> Bool {
        try delete("delete route \(route)", route.message(RTM_DELROUTE), absent: [.noSuchProcess, .noSuchDevice])
    }

    public func link(leadingTo address: IPAddress) throws(NetlinkError) -> Link? {
        let index: Int32? = try lookUpRoute(to: address) {
            $0.attributes(after: rtmsg.self)[RTA_OIF.rawValue]?.number()
        }
        guard let index else { return nil }
        return try link(index: index)
    }

    /// Whether packets to the address are for this host itself (`ip route get`: local).
    package func isOwn(_ address: IPAddress) throws(NetlinkError) -> Bool {
        try lookUpRoute(to: address) { $0.structure(rtmsg.self)?.rtm_type == UInt8(RTN_LOCAL) } ?? false
    }

    /// What the kernel says of the way to an address; nil where there is none.
    private func lookUpRoute<Answer>(
        to address: IPAddress, _ read: (NetlinkReply) -> Answer?
    ) throws(NetlinkError) -> Answer? {
        var header = rtmsg()
        header.rtm_family = address.family.socketFamily
        header.rtm_dst_len = UInt8(address.family.bitWidth)
        let message = NetlinkMessage(RTM_GETROUTE, header)
        message.append(RTA_DST.rawValue, bytes: address.bytes)
        do {
            return try connection.get("look up the route to \(address)", message) {
                $0.type == RTM_NEWROUTE ? read($0) : nil
            }
        } catch {
            if [.networkUnreachable, .noRouteToHost].contains(error.errno) { return nil }
            throw error
        }
    }

    public func routes(_ family: AddressFamily, table: UInt32?) throws(NetlinkError) -> [Route] {
        try routes("list \(family) routes", family, table: table) { _ in }
    }

    public func routes(_ family: AddressFamily, through link: Link) throws(NetlinkError) -> [Route] {
        let found = try routes("list \(family) routes through \(link.name)", family, table: nil) { message in
            message.append(RTA_OIF.rawValue, UInt32(bitPattern: link.index))
        }
        // Old kernels do not filter.
        return found.filter { $0.nextHops.contains { $0.link == link.index } }
    }

    private func routes(
        _ operation: @autoclosure () -> String, _ family: AddressFamily, table: UInt32?,
        _ filter: (borrowing NetlinkMessage) -> Void
    ) throws(NetlinkError) -> [Route] {
        do {
            return try connection.dump(operation()) {
                var header = rtmsg()
                header.rtm_family = family.socketFamily
                header.rtm_type = UInt8(RTN_UNICAST)
                let message = NetlinkMessage(RTM_GETROUTE, header)
                message.append(RTA_TABLE.rawValue, table ?? Route.mainTable)
                filter(message)
                return message
            } _: { reply in
                Route(reply).flatMap { $0.table == (table ?? Route.mainTable) ? $0 : nil }
            }
        } catch {
            // A table is made with its first route: in a namespace that never had one there is not even the main table.
            if error.errno == .noSuchFileOrDirectory { return [] }
            throw error
        }
    }
}

extension Route: CustomStringConvertible {
    public var description: String {
        let ways = nextHops.map { $0.gateway.map { "via \($0)" } ?? "on link" }
        let details = [("mtu", mtu), ("advmss", advmss), ("metric", priority), ("table", table)]
            .compactMap { name, value in value.map { " \(name) \($0)" } }
        return "\(destination) \(ways.joined(separator: ", "))\(details.joined())"
    }

    private var isOnLink: Bool { nextHops.allSatisfy { $0.gateway == nil } }

    fileprivate func message(_ type: Int, flags: Int32 = 0) -> NetlinkMessage {
        var header = rtmsg()
        header.rtm_family = destination.family.socketFamily
        header.rtm_dst_len = UInt8(destination.length)
        header.rtm_protocol = UInt8(RTPROT_BOOT)
        header.rtm_type = UInt8(RTN_UNICAST)
        header.rtm_scope = scope ?? (destination.family == .ipv4 && isOnLink ? UInt8(RT_SCOPE_LINK.rawValue) : 0)
        let message = NetlinkMessage(type, flags: flags, header)
        message.append(RTA_TABLE.rawValue, table ?? Route.mainTable)
        if destination.length > 0 { message.append(RTA_DST.rawValue, bytes: destination.address.bytes) }
        if let priority { message.append(RTA_PRIORITY.rawValue, priority) }
        appendNextHops(to: message)
        if mtu != nil || advmss != nil {
            message.nest(RTA_METRICS.rawValue) { message in
                if let mtu { message.append(RTAX_MTU, mtu) }
                if let advmss { message.append(RTAX_ADVMSS, advmss) }
            }
        }
        return message
    }

    private func appendNextHops(to message: borrowing NetlinkMessage) {
        if nextHops.count == 1, let only = nextHops.first {
            message.append(RTA_OIF.rawValue, UInt32(bitPattern: only.link))
            if let gateway = only.gateway { message.append(RTA_GATEWAY.rawValue, bytes: gateway.bytes) }
        } else if !nextHops.isEmpty {
            message.append(RTA_MULTIPATH.rawValue, bytes: nextHops.flatMap(\.multipathEntry))
        }
    }

    /// Reads an RTM_NEWROUTE message; nil for any other. libnl understands every form in which next hops come.
    fileprivate init?(_ reply: NetlinkReply) {
        guard reply.type == RTM_NEWROUTE, let handle = RouteHandle(parsing: reply),
            let destination = IPPrefix(borrowing: rtnl_route_get_dst(handle.pointer))
        else { return nil }
        let route = handle.pointer
        self.init(
            destination: destination,
            nextHops: (0..<rtnl_route_get_nnexthops(route)).compactMap { position in
                rtnl_route_nexthop_n(route, position).map { hop in
                    NextHop(
                        gateway: IPPrefix(borrowing: rtnl_route_nh_get_gateway(hop))?.address,
                        link: rtnl_route_nh_get_ifindex(hop))
                }
            },
            mtu: handle.metric(RTAX_MTU), advmss: handle.metric(RTAX_ADVMSS),
            priority: rtnl_route_get_priority(route), table: rtnl_route_get_table(route),
            scope: rtnl_route_get_scope(route))
    }
}

extension Route.NextHop {
    /// A struct rtnexthop with its gateway attribute, as RTA_MULTIPATH holds them in a row.
    fileprivate var multipathEntry: [UInt8] {
        let gateway = gateway?.bytes ?? []
        let size = MemoryLayout<rtnexthop>.size + (gateway.isEmpty ? 0 : 4 + gateway.count)
        var hop = rtnexthop()
        hop.rtnh_len = UInt16(size)
        hop.rtnh_ifindex = link
        var bytes = withUnsafeBytes(of: &hop) { Array($0) }
        if !gateway.isEmpty {
            var attribute = nlattr(nla_len: UInt16(4 + gateway.count), nla_type: UInt16(RTA_GATEWAY.rawValue))
            bytes += withUnsafeBytes(of: &attribute) { Array($0) } + gateway
        }
        return bytes
    }
}

/// A route object of libnl, released at the end of its life.
private struct RouteHandle: ~Copyable {
    let pointer: OpaquePointer

    init?(parsing reply: NetlinkReply) {
        var route: OpaquePointer?
        guard rtnl_route_parse(reply.header, &route) == 0, let route else { return nil }
        pointer = route
    }

    deinit { rtnl_route_put(pointer) }

    /// RTAX_*
    func metric(_ number: some BinaryInteger) -> UInt32? {
        var value: UInt32 = 0
        return rtnl_route_get_metric(pointer, Int32(number), &value) == 0 ? value : nil
    }
}

extension IPPrefix {
    /// Reads an address of libnl, which stays its owner's.
    fileprivate init?(borrowing address: OpaquePointer?) {
        guard let address else { return nil }
        let length = Int(nl_addr_get_len(address))
        guard let family = AddressFamily(socketFamily: nl_addr_get_family(address)) else { return nil }
        // A default route's destination has a family and no bytes.
        let bytes = Array(UnsafeRawBufferPointer(start: nl_addr_get_binary_addr(address), count: length))
        self.init(
            IPAddress(bytes: bytes) ?? .unspecified(family), length: Int(nl_addr_get_prefixlen(address)))
    }
}

extension AddressFamily {
    fileprivate init?(socketFamily: Int32) {
        switch socketFamily {
        case AF_INET: self = .ipv4
        case AF_INET6: self = .ipv6
        default: return nil
        }
    }
}
