internal import CNetlink
internal import Glibc
internal import LinuxSystem
internal import NetworkAddress
internal import SystemPackage

extension NetlinkSocket {
    public func link(named name: String) throws(NetlinkError) -> Link? {
        let message = NetlinkMessage(RTM_GETLINK, ifinfomsg())
        message.append(IFLA_IFNAME, text: name)
        return try link("look up link \(name)", message)
    }

    public func link(index: Int32) throws(NetlinkError) -> Link? {
        try link("look up link \(index)", NetlinkMessage(RTM_GETLINK, ifinfomsg(index: index)))
    }

    private func link(
        _ operation: @autoclosure () -> String, _ message: consuming NetlinkMessage
    ) throws(NetlinkError) -> Link? {
        message.append(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
        do {
            return try connection.get(operation(), message) { Link($0) }
        } catch {
            if error.errno == .noSuchDevice { return nil }
            throw error
        }
    }

    public func ports(of master: Int32) throws(NetlinkError) -> [Link] {
        try connection.dump("list the ports of link \(master)") {
            let message = NetlinkMessage(RTM_GETLINK, ifinfomsg())
            message.append(IFLA_MASTER, UInt32(bitPattern: master))
            message.append(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
            return message
        } _: { reply in
            // Old kernels do not filter.
            Link(reply).flatMap { $0.master == master ? $0 : nil }
        }
    }

    public func add(_ link: NewLink) throws(NetlinkError) -> Link? {
        // The echo goes to the namespace of the link, where nobody has asked for it.
        let echo = link.namespace == nil ? NLM_F_ECHO : 0
        let flags = Int32(NLM_F_CREATE | NLM_F_EXCL | echo)
        let message = NetlinkMessage(RTM_NEWLINK, flags: flags, ifinfomsg())
        message.append(IFLA_IFNAME, text: link.name)
        if let mac = link.mac { message.append(IFLA_ADDRESS, bytes: mac.bytes) }
        if let mtu = link.mtu { message.append(IFLA_MTU, mtu) }
        if let master = link.master { message.append(IFLA_MASTER, UInt32(bitPattern: master)) }
        if let parent = link.parent { message.append(IFLA_LINK, UInt32(bitPattern: parent)) }
        if let namespace = link.namespace { message.append(IFLA_NET_NS_FD, namespace.number) }
        message.nest(IFLA_LINKINFO) { message in
            switch link.kind {
            case .bridge(let settings):
                message.append(IFLA_INFO_KIND, text: "bridge")
                message.nest(IFLA_INFO_DATA) { settings.append(to: $0) }
            case .veth(let peer):
                message.append(IFLA_INFO_KIND, text: "veth")
                message.nest(IFLA_INFO_DATA) { peer.append(to: $0) }
            case .macvlan(let settings):
                message.append(IFLA_INFO_KIND, text: "macvlan")
                message.nest(IFLA_INFO_DATA) { settings.append(to: $0) }
            }
        }
        var made: Link?
        try connection.perform("add link \(link.name)", message) { reply in
            if let link = Link(reply) { made = link }
        }
        return made
    }

    public func change(_ link: Link, _ change: LinkChange) throws(NetlinkError) {
        var header = ifinfomsg(index: link.index)
        header.set(UInt32(IFF_UP), change.isUp)
        header.set(UInt32(IFF_PROMISC), change.isPromiscuous)
        header.set(UInt32(IFF_ALLMULTI), change.isAllMulticast)
        let message = NetlinkMessage(RTM_NEWLINK, header)
        if let mac = change.mac { message.append(IFLA_ADDRESS, bytes: mac.bytes) }
        if let mtu = change.mtu { message.append(IFLA_MTU, mtu) }
        if let length = change.transmitQueueLength { message.append(IFLA_TXQLEN, length) }
        if let alias = change.alias { message.append(IFLA_IFALIAS, bytes: Array(alias.utf8)) }
        if let port = change.port {
            message.nest(IFLA_LINKINFO) { message in
                message.append(IFLA_INFO_SLAVE_KIND, text: "bridge")
                message.nest(IFLA_INFO_SLAVE_DATA) { port.append(to: $0) }
            }
        }
        try connection.perform("change link \(link.name)", message)
    }

    @discardableResult
    public func deleteLink(index: Int32) throws(NetlinkError) -> Bool {
        try delete("delete link \(index)", NetlinkMessage(RTM_DELLINK, ifinfomsg(index: index)))
    }

    @discardableResult
    public func deleteLink(named name: String) throws(NetlinkError) -> Bool {
        let message = NetlinkMessage(RTM_DELLINK, ifinfomsg())
        message.append(IFLA_IFNAME, text: name)
        return try delete("delete link \(name)", message)
    }

    /// Performs a request that removes something; false where there was nothing to remove.
    func delete(
        _ operation: @autoclosure () -> String, _ message: consuming NetlinkMessage,
        absent: [Errno] = [.noSuchDevice]
    ) throws(NetlinkError) -> Bool {
        do {
            try connection.perform(operation(), message)
            return true
        } catch {
            if absent.contains(error.errno) { return false }
            throw error
        }
    }
}

extension ifinfomsg {
    init(index: Int32) {
        self.init()
        ifi_index = index
    }

    /// Sets or clears a flag, unless nothing is wanted of it.
    mutating func set(_ flag: UInt32, _ isOn: Bool?) {
        guard let isOn else { return }
        ifi_change |= flag
        if isOn { ifi_flags |= flag }
    }
}

extension Link {
    /// Reads an RTM_NEWLINK message; nil for any other, and for those that tell of a bridge's port table only.
    init?(_ reply: NetlinkReply) {
        guard reply.type == RTM_NEWLINK, let header = reply.structure(ifinfomsg.self), header.ifi_family == AF_UNSPEC
        else {
            return nil
        }
        let attributes = reply.attributes(after: ifinfomsg.self)
        guard let name = attributes[IFLA_IFNAME]?.text else { return nil }
        let info = attributes[IFLA_LINKINFO]?.nested
        let kind = info?[IFLA_INFO_KIND]?.text
        let operational: UInt8 = 6  // IF_OPER_UP (RFC 2863)
        self.init(
            index: header.ifi_index, name: name,
            mac: attributes[IFLA_ADDRESS].flatMap { MACAddress(bytes: $0.bytes) },
            mtu: attributes[IFLA_MTU]?.number() ?? 0,
            isUp: header.ifi_flags & UInt32(IFF_UP) != 0,
            isPromiscuous: header.ifi_flags & UInt32(IFF_PROMISC) != 0,
            isAllMulticast: header.ifi_flags & UInt32(IFF_ALLMULTI) != 0,
            transmitQueueLength: attributes[IFLA_TXQLEN]?.number() ?? 0,
            isOperational: attributes[IFLA_OPERSTATE]?.number() == operational,
            master: attributes[IFLA_MASTER]?.number(), tiedTo: attributes[IFLA_LINK]?.number(),
            isTiedElsewhere: attributes[IFLA_LINK_NETNSID] != nil,
            alias: attributes[IFLA_IFALIAS]?.text, kind: kind,
            bridge: kind == "bridge" ? info?[IFLA_INFO_DATA].map { BridgeSettings($0.nested) } : nil,
            macvlan: kind == "macvlan" ? info?[IFLA_INFO_DATA].map { MacvlanSettings($0.nested) } : nil,
            port: info?[IFLA_INFO_SLAVE_KIND]?.text == "bridge"
                ? info?[IFLA_INFO_SLAVE_DATA].map { BridgePort($0.nested) } : nil)
    }
}
