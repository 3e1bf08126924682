import NetworkAddress
import Testing

@testable import PacketFilter

@Suite struct PortMappingTests {
    static func mapping(
        _ ports: ClosedRange<UInt16>, _ address: String? = nil, _ transport: TransportProtocol = .tcp
    ) -> PortMapping {
        PortMapping(
            transport, hostAddress: address.flatMap { IPAddress($0) }, hostPorts: ports,
            containerPort: ports.lowerBound)
    }

    @Test(arguments: [
        (mapping(80...80), mapping(80...80), true), (mapping(80...80), mapping(81...81), false),
        (mapping(80...80), mapping(80...80, nil, .udp), false), (mapping(80...90), mapping(90...99), true),
        (mapping(80...90), mapping(91...99), false), (mapping(1...65535), mapping(443...443), true),
        (mapping(80...80), mapping(80...80, "192.0.2.1"), true), (mapping(80...80), mapping(80...80, "::"), true),
        (mapping(80...80, "0.0.0.0"), mapping(80...80, "192.0.2.1"), true),
        (mapping(80...80, "0.0.0.0"), mapping(80...80, "::"), false),
        (mapping(80...80, "0.0.0.0"), mapping(80...80, "2001:db8::1"), false),
        (mapping(80...80, "::"), mapping(80...80, "2001:db8::1"), true),
        (mapping(80...80, "192.0.2.1"), mapping(80...80, "192.0.2.1"), true),
        (mapping(80...80, "192.0.2.1"), mapping(80...80, "192.0.2.2"), false),
        (mapping(80...80, "192.0.2.1"), mapping(80...80, "2001:db8::1"), false),
        (mapping(80...80, "192.0.2.1"), mapping(70...90, "192.0.2.1"), true),
    ])
    func whatIsInEachOthersWay(one: PortMapping, other: PortMapping, isOverlap: Bool) {
        #expect(one.overlaps(other) == isOverlap)
        #expect(other.overlaps(one) == isOverlap)
        #expect(one.overlaps(one))
    }

    @Test(arguments: [
        (mapping(8080...8080), "8080/tcp"), (mapping(9000...9004, nil, .udp), "9000-9004/udp"),
        (mapping(8080...8080, "127.0.0.1"), "127.0.0.1:8080/tcp"),
        (mapping(1...65535, "2001:db8::1", .sctp), "[2001:db8::1]:1-65535/sctp"),
        (mapping(80...80, "0.0.0.0"), "80/tcp"), (mapping(80...80, "::"), "80/tcp"),
    ])
    func inWords(mapping: PortMapping, text: String) {
        #expect(mapping.description == text)
    }

    @Test func whichFamilyItConcerns() {
        #expect(Self.mapping(80...80).concerns(.ipv4) && Self.mapping(80...80).concerns(.ipv6))
        #expect(Self.mapping(80...80, "0.0.0.0").concerns(.ipv4) && !Self.mapping(80...80, "0.0.0.0").concerns(.ipv6))
        #expect(!Self.mapping(80...80, "::1").concerns(.ipv4) && Self.mapping(80...80, "::1").concerns(.ipv6))
        #expect(Self.mapping(80...80, "::").specificHostAddress == nil)
        #expect(Self.mapping(80...80, "::1").specificHostAddress == IPAddress("::1"))
    }

    /// By which link the host reaches the container from 127.0.0.1.
    @Test(
        arguments: [
            (nil, ["10.1.0.2/24"], .whereNeeded, "cni0"), (nil, ["10.1.0.2/24"], .always, "cni0"),
            (nil, ["10.1.0.2/24"], .never, nil), (nil, ["fd00::2/64"], .whereNeeded, nil),
            ("127.0.0.1", ["fd00::2/64", "10.1.0.2/24"], .whereNeeded, "cni0"),
            ("127.1.2.3", ["10.1.0.2/24"], .whereNeeded, "cni0"), ("0.0.0.0", ["10.1.0.2/24"], .whereNeeded, "cni0"),
            ("192.0.2.1", ["10.1.0.2/24"], .whereNeeded, nil), ("::", ["10.1.0.2/24"], .whereNeeded, nil),
        ] as [(String?, [String], PortForwarding.SourceTranslation, String?)])
    func theWayFrom127001(
        address: String?, containers: [String], translation: PortForwarding.SourceTranslation, link: String?
    ) {
        var forwarding = PortForwarding(
            owner: RuleOwner(network: "n", containerID: "c", interfaceName: "eth0"),
            mappings: [Self.mapping(80...80, address)], containers: containers.compactMap { IPPrefix($0) },
            sourceTranslation: translation, link: "cni0")
        #expect(forwarding.loopbackLink == link)
        forwarding.link = nil
        #expect(forwarding.loopbackLink == nil)
    }
}
