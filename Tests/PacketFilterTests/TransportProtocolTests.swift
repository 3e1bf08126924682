import PacketFilter
import Testing

@Suite struct TransportProtocolTests {
    @Test(arguments: [("tcp", TransportProtocol.tcp), ("UDP", .udp), ("Sctp", .sctp)])
    func namesInAnyCase(name: String, expected: TransportProtocol) {
        #expect(TransportProtocol(name: name) == expected)
    }

    @Test(arguments: ["", "icmp", "tcp\n", "dccp", "6"]) func everythingElseIsNone(name: String) {
        #expect(TransportProtocol(name: name) == nil)
    }
}
