import Netlink
import NetworkAddress
import Testing

@Suite("Route")
struct RouteTests {
    private func route(
        _ destination: String, via gateways: [String?], mtu: UInt32? = nil, priority: UInt32? = nil,
        table: UInt32? = nil
    ) throws -> Route {
        Route(
            destination: try #require(IPPrefix(destination)),
            nextHops: gateways.map { Route.NextHop(gateway: $0.flatMap { IPAddress($0) }, link: 2) }, mtu: mtu,
            priority: priority, table: table)
    }

    @Test(
        "a route is told as ip(8) tells it",
        arguments: [
            ("10.2.0.0/16", ["10.1.0.1"], nil, nil, nil, "10.2.0.0/16 via 10.1.0.1"),
            ("10.2.0.0/16", [nil], nil, nil, nil, "10.2.0.0/16 on link"),
            ("10.2.0.0/16", ["10.1.0.1", "10.1.0.2"], nil, nil, nil, "10.2.0.0/16 via 10.1.0.1, via 10.1.0.2"),
            ("fd00::/64", ["fd00:1::1"], 1300, 7, 100, "fd00::/64 via fd00:1::1 mtu 1300 metric 7 table 100"),
        ] as [(String, [String?], UInt32?, UInt32?, UInt32?, String)])
    func text(destination: String, gateways: [String?], mtu: UInt32?, priority: UInt32?, table: UInt32?, text: String)
        throws
    {
        #expect(try route(destination, via: gateways, mtu: mtu, priority: priority, table: table).description == text)
    }

    @Test("host bits of the destination are dropped")
    func hostBits() throws {
        #expect(try route("10.2.3.4/16", via: [nil]).destination == IPPrefix("10.2.0.0/16"))
    }

    @Test("zeros that mean to the kernel that nothing is said are nothing")
    func zeros() throws {
        let zeros = Route(
            destination: try #require(IPPrefix("fd00::/64")), nextHops: [], mtu: 0, advmss: 0, priority: 0, table: 0)
        #expect(zeros == Route(destination: try #require(IPPrefix("fd00::/64")), nextHops: []))
        #expect(Route(destination: try #require(IPPrefix("10.0.0.0/8")), nextHops: [], priority: 0).priority == 0)
    }
}
