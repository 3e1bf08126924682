import CNI
import InterfaceTestSupport
import JSON
import NetworkAddress
import Testing

@testable import bridge

@Suite("GatewayPlan")
struct GatewayPlanTests {
    private func plan(_ ipam: String, _ members: String) throws -> GatewayPlan {
        let result = try AttachmentResult(JSONField(JSONValue(parsing: Array(ipam.utf8))), version: .latest)
        return try GatewayPlan(
            result, BridgeConfiguration(FakeRuntime.configuration(BridgeScene.json(members)), .none))
    }

    @Test("a bridge that is no gateway gets no address and changes nothing")
    func noGateway() throws {
        let plan = try plan(BridgeScene.oneAddress, "")
        #expect(plan.addresses.isEmpty)
        #expect(plan.result.ips.map(\.gateway) == [IPAddress("10.1.0.1")])
        #expect(plan.result.routes.isEmpty)
    }

    @Test("without a gateway from IPAM it is the first address of the network")
    func firstAddress() throws {
        let plan = try plan(#"{"ips":[{"address":"10.1.0.5/16"},{"address":"fd00:1::5/64"}]}"#, #""isGateway":true"#)
        #expect(plan.addresses.map(\.description) == ["10.1.0.1/16", "fd00:1::1/64"])
        #expect(plan.result.ips.map { $0.gateway?.description } == ["10.1.0.1", "fd00:1::1"])
        #expect(plan.families == [.ipv4, .ipv6])
    }

    @Test("addresses of one network share a gateway")
    func shared() throws {
        let ipam =
            #"{"ips":[{"address":"10.1.0.5/16","gateway":"10.1.0.1"},{"address":"10.1.0.6/16","gateway":"10.1.0.1"}]}"#
        #expect(try plan(ipam, #""isGateway":true"#).addresses.map(\.description) == ["10.1.0.1/16"])
    }

    @Test("a default route of each family is added, unless IPAM has one")
    func defaultRoutes() throws {
        let plan = try plan(
            """
            {"ips":[{"address":"10.1.0.5/16"},{"address":"10.2.0.5/16"},{"address":"fd00:1::5/64"}],
             "routes":[{"dst":"::/0","gw":"fd00:1::9"},{"dst":"10.9.0.0/16"}]}
            """, #""isDefaultGateway":true"#)
        #expect(
            plan.result.routes.map { "\($0.destination) \($0.gateway?.description ?? "-")" }
                == ["::/0 fd00:1::9", "10.9.0.0/16 -", "0.0.0.0/0 10.1.0.1"])
    }

    @Test(
        "a gateway that cannot be is refused, with what was found",
        arguments: [
            (
                #"{"ips":[{"address":"10.1.0.5/16","gateway":"10.2.0.1"}]}"#,
                "isGateway: expected a gateway inside 10.1.0.0/16 from IPAM, found 10.2.0.1"
            ),
            (
                #"{"ips":[{"address":"10.1.0.5/16","gateway":"fd00::1"}]}"#,
                "isGateway: expected a gateway inside 10.1.0.0/16 from IPAM, found fd00::1"
            ),
            (
                #"{"ips":[{"address":"10.1.0.5/32"}]}"#,
                "isGateway: expected a gateway inside 10.1.0.5/32 from IPAM, found none"
            ),
            (
                #"{"ips":[{"address":"255.255.255.255/32"}]}"#,
                "isGateway: expected a gateway inside 255.255.255.255/32 from IPAM, found none"
            ),
            (
                #"{"ips":[{"address":"10.1.0.1/16"}]}"#,
                "isGateway: expected a gateway other than the container's address 10.1.0.1/16"
            ),
            (
                #"{"ips":[{"address":"10.1.0.7/16","gateway":"10.1.0.7"}]}"#,
                "isGateway: expected a gateway other than the container's address 10.1.0.7/16"
            ),
        ])
    func refusals(ipam: String, message: String) {
        #expect(failure { try plan(ipam, #""isGateway":true"#) } == message)
        #expect(code { try plan(ipam, #""isGateway":true"#) } == 7)
    }

    @Test("IPAM addresses belong to the container, whichever interface IPAM names")
    func interfaceIndex() throws {
        let plan = try plan(
            #"{"interfaces":[{"name":"x"}],"ips":[{"interface":0,"address":"10.1.0.5/16"}]}"#, #""isGateway":true"#)
        #expect(plan.result.ips.map(\.interface) == [nil])
    }
}
