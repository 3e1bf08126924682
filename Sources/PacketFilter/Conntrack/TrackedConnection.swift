internal import CNetfilter
internal import Glibc
internal import Netlink
internal import NetworkAddress

/// A connection that the kernel tracks (`conntrack -L`), as far as it says where its first packet went and who answers.
struct TrackedConnection {
    let family: AddressFamily
    let transport: TransportProtocol
    /// Where the first packet was sent to.
    let destination: IPAddress
    let destinationPort: UInt16
    /// Who answers: after translation.
    let answeringAddress: IPAddress
    let answeringPort: UInt16
    /// CTA_TUPLE_ORIG, CTA_ID and CTA_ZONE as the kernel wrote them, which name the connection.
    private let original: [UInt8]
    private let identifier: [UInt8]?
    private let zone: [UInt8]?

    /// Reads a message of the list; nil for other messages, and for protocols without ports.
    init?(_ reply: NetlinkReply) {
        guard reply.type == Int(NFNL_SUBSYS_CTNETLINK) << 8 | Int(IPCTNL_MSG_CT_NEW.rawValue) else { return nil }
        let attributes = reply.attributes(after: nfgenmsg.self)
        guard let original = attributes[CTA_TUPLE_ORIG.rawValue], let answer = attributes[CTA_TUPLE_REPLY.rawValue],
            let number: UInt8 = original.nested[CTA_TUPLE_PROTO.rawValue]?.nested[CTA_PROTO_NUM.rawValue]?.number(),
            let transport = TransportProtocol(rawValue: number),
            let (destination, destinationPort) = TrackedConnection.end(
                original, CTA_IP_V4_DST, CTA_IP_V6_DST, CTA_PROTO_DST_PORT),
            let (answering, answeringPort) = TrackedConnection.end(
                answer, CTA_IP_V4_SRC, CTA_IP_V6_SRC, CTA_PROTO_SRC_PORT)
        else { return nil }
        family = destination.family
        self.transport = transport
        self.destination = destination
        self.destinationPort = destinationPort
        answeringAddress = answering
        self.answeringPort = answeringPort
        self.original = original.bytes
        identifier = attributes[CTA_ID.rawValue]?.bytes
        zone = attributes[CTA_ZONE.rawValue]?.bytes
    }

    private static func end(
        _ tuple: Attribute, _ ipv4: ctattr_ip, _ ipv6: ctattr_ip, _ port: ctattr_l4proto
    ) -> (IPAddress, UInt16)? {
        let addresses = tuple.nested[CTA_TUPLE_IP.rawValue]?.nested
        guard let bytes = (addresses?[ipv4.rawValue] ?? addresses?[ipv6.rawValue])?.bytes,
            let address = IPAddress(bytes: bytes),
            let port: UInt16 = tuple.nested[CTA_TUPLE_PROTO.rawValue]?.nested[port.rawValue]?.number()
        else { return nil }
        return (address, UInt16(bigEndian: port))
    }

    /// The request that has the kernel forget exactly this connection.
    func deletion() -> NetlinkMessage {
        let message = NetlinkMessage(conntrack: IPCTNL_MSG_CT_DELETE, family)
        message.append(CTA_TUPLE_ORIG.rawValue | UInt32(NLA_F_NESTED), bytes: original)
        if let identifier { message.append(CTA_ID, bytes: identifier) }
        if let zone { message.append(CTA_ZONE, bytes: zone) }
        return message
    }
}

extension NetlinkMessage {
    /// A request to connection tracking.
    init(conntrack type: cntl_msg_types, _ family: AddressFamily?) {
        self.init(
            Int(NFNL_SUBSYS_CTNETLINK) << 8 | Int(type.rawValue),
            nfgenmsg(
                nfgen_family: UInt8(family.map { $0 == .ipv4 ? AF_INET : AF_INET6 } ?? AF_UNSPEC), version: 0, res_id: 0
            ))
    }
}
