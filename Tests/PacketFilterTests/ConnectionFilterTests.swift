import CNetfilter
import CNetlink
import Glibc
import NetworkAddress
import Testing

@testable import Netlink
@testable import PacketFilter

/// What the kernel is asked to list or to forget, and what is chosen from its list.
@Suite struct ConnectionFilterTests {
    private static let tcp = [UInt8(6)]
    private static let udp = [UInt8(17)]

    @Test func withoutATransportEverythingOfAFamilyIsMeant() throws {
        let message = ConnectionFilter(family: .ipv6).request(IPCTNL_MSG_CT_GET)
        let attributes = try attributes(of: message, family: AF_INET6)
        #expect(attributes[CTA_TUPLE_ORIG.rawValue] == nil && attributes[CTA_FILTER.rawValue] == nil)
        _ = try self.attributes(of: ConnectionFilter().request(IPCTNL_MSG_CT_GET), family: AF_UNSPEC)
    }

    @Test func aTransportAlone() throws {
        let message = ConnectionFilter(family: .ipv4, transport: .udp).request(IPCTNL_MSG_CT_GET)
        let attributes = try attributes(of: message, family: AF_INET)
        let original = try #require(attributes[CTA_TUPLE_ORIG.rawValue]).nested
        #expect(original[CTA_TUPLE_IP.rawValue] == nil)
        let proto = try #require(original[CTA_TUPLE_PROTO.rawValue]).nested
        #expect(proto[CTA_PROTO_NUM.rawValue]?.bytes == Self.udp && proto[CTA_PROTO_DST_PORT.rawValue] == nil)
        #expect(attributes[CTA_TUPLE_REPLY.rawValue] == nil)
        // CTA_FILTER_F_CTA_PROTO_NUM
        #expect(try flags(attributes) == [0b1000, 0])
    }

    @Test func whereTheFirstPacketWent() throws {
        let filter = ConnectionFilter(
            family: .ipv4, transport: .tcp, destination: IPAddress("192.0.2.1"), destinationPort: 8080)
        let attributes = try attributes(of: filter.request(IPCTNL_MSG_CT_DELETE), family: AF_INET)
        let original = try #require(attributes[CTA_TUPLE_ORIG.rawValue]).nested
        let address = try #require(original[CTA_TUPLE_IP.rawValue]).nested
        #expect(address[CTA_IP_V4_DST.rawValue]?.bytes == [192, 0, 2, 1] && address[CTA_IP_V4_SRC.rawValue] == nil)
        let proto = try #require(original[CTA_TUPLE_PROTO.rawValue]).nested
        #expect(proto[CTA_PROTO_NUM.rawValue]?.bytes == Self.tcp)
        #expect(proto[CTA_PROTO_DST_PORT.rawValue]?.bytes == [0x1F, 0x90])
        // Of the address, the number of the protocol and the port, too.
        #expect(try flags(attributes) == [0b10_1010, 0])
    }

    @Test func whoAnswers() throws {
        let filter = ConnectionFilter(
            family: .ipv6, transport: .udp, destinationPort: 53, answering: IPAddress("fd00::2"), answeringPort: 5353)
        let attributes = try attributes(of: filter.request(IPCTNL_MSG_CT_DELETE), family: AF_INET6)
        let answer = try #require(attributes[CTA_TUPLE_REPLY.rawValue]).nested
        let address = try #require(answer[CTA_TUPLE_IP.rawValue]).nested
        #expect(address[CTA_IP_V6_SRC.rawValue]?.bytes == IPAddress("fd00::2")?.bytes)
        let proto = try #require(answer[CTA_TUPLE_PROTO.rawValue]).nested
        #expect(proto[CTA_PROTO_NUM.rawValue]?.bytes == Self.udp)
        #expect(proto[CTA_PROTO_SRC_PORT.rawValue]?.bytes == [0x14, 0xE9])
        #expect(try flags(attributes) == [0b10_1000, 0b1_1001])
    }

    /// The attributes of a request, valid as long as the message that is handed back with them.
    private func attributes(of message: consuming NetlinkMessage, family: Int32) throws -> Attributes {
        let header = try #require(nlmsg_hdr(message.pointer))
        let size = Int(header.pointee.nlmsg_len)
        let copy = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        copies.pointers.append(copy)
        copy.copyMemory(from: header, byteCount: size)
        let reply = NetlinkReply(header: copy.assumingMemoryBound(to: nlmsghdr.self))
        let found = try #require(reply.structure(nfgenmsg.self))
        #expect(Int32(found.nfgen_family) == family)
        return reply.attributes(after: nfgenmsg.self)
    }

    private func flags(_ attributes: Attributes) throws -> [UInt32?] {
        let filter = try #require(attributes[CTA_FILTER.rawValue]).nested
        return [CTA_FILTER_ORIG_FLAGS, CTA_FILTER_REPLY_FLAGS].map { filter[$0.rawValue]?.number() }
    }

    /// Copies of messages, kept until the test ends.
    private final class Copies {
        var pointers: [UnsafeMutableRawPointer] = []
        deinit { for pointer in pointers { pointer.deallocate() } }
    }

    private let copies = Copies()

    // MARK: The choice from a list

    private static func port(
        _ mapping: PortMapping, to container: String = "10.1.0.2"
    ) -> PublishedPort {
        PublishedPort(mapping: mapping, container: IPAddress(container) ?? .unspecified(.ipv4))
    }

    private static func mapping(
        _ ports: ClosedRange<UInt16>, _ address: String? = nil, to container: UInt16 = 5353,
        _ transport: TransportProtocol = .udp
    ) -> PortMapping {
        PortMapping(
            transport, hostAddress: address.flatMap { IPAddress($0) }, hostPorts: ports, containerPort: container)
    }

    /// A connection that was opened to 192.0.2.1 port 53.
    private func connection(
        answeredBy address: String, _ port: UInt16, to destinationPort: UInt16 = 53,
        _ transport: TransportProtocol = .udp
    ) throws -> TrackedConnection {
        let message = NetlinkMessage(conntrack: IPCTNL_MSG_CT_NEW, .ipv4)
        message.nest(CTA_TUPLE_ORIG) { message in
            message.nest(CTA_TUPLE_IP) { $0.append(CTA_IP_V4_DST, bytes: [192, 0, 2, 1]) }
            message.nest(CTA_TUPLE_PROTO) { message in
                message.append(CTA_PROTO_NUM, transport.rawValue)
                message.append(CTA_PROTO_DST_PORT, destinationPort.bigEndian)
            }
        }
        message.nest(CTA_TUPLE_REPLY) { message in
            message.nest(CTA_TUPLE_IP) { $0.append(CTA_IP_V4_SRC, bytes: IPAddress(address)?.bytes ?? []) }
            message.nest(CTA_TUPLE_PROTO) { message in
                message.append(CTA_PROTO_NUM, transport.rawValue)
                message.append(CTA_PROTO_SRC_PORT, port.bigEndian)
            }
        }
        let header = try #require(nlmsg_hdr(message.pointer))
        return try #require(TrackedConnection(NetlinkReply(header: header)))
    }

    @Test func aConnectionIsRead() throws {
        let found = try connection(answeredBy: "10.1.0.2", 5353)
        #expect(found.family == .ipv4 && found.transport == .udp)
        #expect(found.destination == IPAddress("192.0.2.1") && found.destinationPort == 53)
        #expect(found.answeringAddress == IPAddress("10.1.0.2") && found.answeringPort == 5353)
    }

    @Test(
        arguments: [
            (port(mapping(53...53)), true), (port(mapping(53...53, "192.0.2.1")), true),
            (port(mapping(53...53, "0.0.0.0")), true), (port(mapping(53...53, "192.0.2.3")), nil),
            (port(mapping(54...54)), nil), (port(mapping(53...53, to: 5353, .sctp)), nil),
            (port(mapping(53...53), to: "fd00::2"), nil), (port(mapping(53...53), to: "10.1.0.3"), false),
            (port(mapping(53...53, to: 5354)), false),
        ] as [(PublishedPort, Bool?)])
    func whatGoesThereAndWhatGoesElsewhere(port: PublishedPort, goesThere: Bool?) throws {
        let found = try connection(answeredBy: "10.1.0.2", 5353)
        #expect(found.concerns(port, .thatGoThere) == (goesThere == true))
        #expect(found.concerns(port, .thatGoElsewhere) == (goesThere == false))
    }

    /// Ports of a range stay what they are.
    @Test func aRange() throws {
        let range = Self.port(Self.mapping(50...60, to: 50))
        for (answering, goesThere) in [(UInt16(53), true), (50, false)] {
            let found = try connection(answeredBy: "10.1.0.2", answering)
            #expect(found.concerns(range, .thatGoThere) == goesThere)
            #expect(found.concerns(range, .thatGoElsewhere) == !goesThere)
        }
        let beside = try connection(answeredBy: "10.1.0.2", 61, to: 61)
        #expect(!beside.concerns(range, .thatGoThere) && !beside.concerns(range, .thatGoElsewhere))
    }
}
