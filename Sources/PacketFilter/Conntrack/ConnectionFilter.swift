internal import CNetfilter
internal import Glibc
internal import Netlink
internal import NetworkAddress

/// Which connections are meant; nil: any. The kernel chooses by it: in lists since version 5.8, when it forgets since 6.9.
struct ConnectionFilter: Equatable {
    var family: AddressFamily?
    var transport: TransportProtocol?
    /// Where the first packet was sent to. A port, only with a transport.
    var destination: IPAddress?
    var destinationPort: UInt16?
    /// Who answers.
    var answering: IPAddress?
    var answeringPort: UInt16?

    // The kernel's own numbers (nf_internals.h: CTA_FILTER_F_CTA_IP_SRC and so on).
    private static let sourceAddress: UInt32 = 1 << 0
    private static let destinationAddress: UInt32 = 1 << 1
    private static let protocolNumber: UInt32 = 1 << 3
    private static let sourcePort: UInt32 = 1 << 4
    private static let destinationPort: UInt32 = 1 << 5

    /// A request for the list, or to forget.
    func request(_ type: cntl_msg_types) -> NetlinkMessage {
        let message = NetlinkMessage(conntrack: type, family)
        guard let transport else { return message }
        message.nest(CTA_TUPLE_ORIG) { message in
            if let destination {
                message.nest(CTA_TUPLE_IP) { message in
                    message.append(
                        destination.family == .ipv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, bytes: destination.bytes)
                }
            }
            message.nest(CTA_TUPLE_PROTO) { message in
                message.append(CTA_PROTO_NUM, transport.rawValue)
                if let destinationPort { message.append(CTA_PROTO_DST_PORT, destinationPort.bigEndian) }
            }
        }
        if let answering, let answeringPort {
            message.nest(CTA_TUPLE_REPLY) { message in
                message.nest(CTA_TUPLE_IP) { message in
                    message.append(answering.family == .ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, bytes: answering.bytes)
                }
                message.nest(CTA_TUPLE_PROTO) { message in
                    message.append(CTA_PROTO_NUM, transport.rawValue)
                    message.append(CTA_PROTO_SRC_PORT, answeringPort.bigEndian)
                }
            }
        }
        message.nest(CTA_FILTER) { message in
            message.append(
                CTA_FILTER_ORIG_FLAGS,
                ConnectionFilter.protocolNumber | (destinationPort == nil ? 0 : ConnectionFilter.destinationPort)
                    | (destination == nil ? 0 : ConnectionFilter.destinationAddress))
            message.append(
                CTA_FILTER_REPLY_FLAGS,
                answering == nil
                    ? UInt32(0)
                    : ConnectionFilter.protocolNumber | ConnectionFilter.sourceAddress | ConnectionFilter.sourcePort)
        }
        return message
    }
}
