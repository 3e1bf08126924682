import CNI
import InterfaceSetup
import JSON
import Netlink
import NetworkAddress
import Testing

@Suite("AddressPlan")
struct AddressPlanTests {
    private func plan(_ text: String, interface: Int? = nil) throws -> AddressPlan {
        AddressPlan(
            try AttachmentResult(JSONField(JSONValue(parsing: Array(text.utf8))), version: .latest),
            interface: interface)
    }

    @Test("a route without gateway goes by the gateway of the first address of its family, else it is on the link")
    func gateways() throws {
        let plan = try plan(
            """
            {"ips":[{"address":"10.1.0.5/16"},{"address":"10.2.0.5/16","gateway":"10.2.0.1"},{"address":"fd00:1::5/64"}],
             "routes":[{"dst":"0.0.0.0/0"},{"dst":"10.9.0.0/16","gw":"10.1.0.9"},{"dst":"fd00:9::/64"}]}
            """)
        #expect(plan.addresses.map(\.description) == ["10.1.0.5/16", "10.2.0.5/16", "fd00:1::5/64"])
        #expect(plan.families == [.ipv4, .ipv6])
        #expect(
            plan.routes.map { $0.route(link: 7).description }
                == ["0.0.0.0/0 via 10.2.0.1", "10.9.0.0/16 via 10.1.0.9", "fd00:9::/64 on link"])
        #expect(plan.routes.flatMap { $0.route(link: 7).nextHops.map(\.link) } == [7, 7, 7])
    }

    @Test("routes that differ in the gateway only share the traffic; the same gateway twice is one way")
    func sharing() throws {
        let plan = try plan(
            """
            {"ips":[],"routes":[{"dst":"10.9.0.0/16","gw":"10.1.0.1"},{"dst":"10.9.1.2/16","gw":"10.1.0.2"},
             {"dst":"10.9.0.0/16","gw":"10.1.0.1"},{"dst":"10.9.0.0/16","gw":"10.1.0.3","priority":5},
             {"dst":"10.9.0.0/16","gw":"10.1.0.3","table":9},{"dst":"10.9.0.0/16","gw":"10.1.0.3","mtu":1400}]}
            """)
        #expect(
            plan.routes.map { $0.gateways.map { $0?.description ?? "-" } }
                == [["10.1.0.1", "10.1.0.2"], ["10.1.0.3"], ["10.1.0.3"], ["10.1.0.3"]])
    }

    @Test("what version 1.1 says of a route reaches the kernel")
    func details() throws {
        let route = try #require(
            try plan(#"{"routes":[{"dst":"10.9.0.0/16","mtu":1400,"advmss":1360,"priority":5,"table":9,"scope":253}]}"#)
                .routes.first?.route(link: 3))
        #expect(
            route.mtu == 1400 && route.advmss == 1360 && route.priority == 5 && route.table == 9 && route.scope == 253)
    }

    @Test("addresses of other interfaces are left out")
    func otherInterfaces() throws {
        let text = """
            {"interfaces":[{"name":"a"},{"name":"b"}],
             "ips":[{"interface":0,"address":"10.1.0.5/16"},{"interface":1,"address":"10.2.0.5/16"},{"address":"10.3.0.5/16"}]}
            """
        #expect(try plan(text, interface: 1).addresses.map(\.description) == ["10.2.0.5/16", "10.3.0.5/16"])
    }

    @Test(
        "addresses that no interface can have are refused",
        arguments: ["0.0.0.0/0", "10.0.0.1/0", "224.0.0.1/4", "127.0.0.1/8", "ff02::1/16", "::1/128"])
    func impossible(address: String) throws {
        let ips = [AttachmentResult.IPConfiguration(address: try #require(IPPrefix(address)))]
        #expect(
            throws: CNIError(
                .invalidConfiguration, "ipam: expected addresses that an interface can have from x, found \(address)")
        ) {
            try AddressPlan.checkAddresses(ips, from: "x")
        }
        #expect(throws: CNIError(.invalidConfiguration, "ipam: x gave no address")) {
            try AddressPlan.checkAddresses([], from: "x")
        }
    }
}
