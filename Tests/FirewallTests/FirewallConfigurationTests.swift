import CNI
import InterfaceTestSupport
import JSON
import PacketFilter
import PacketFilterSetup
import Testing

@testable import firewall

@Suite("FirewallConfiguration")
struct FirewallConfigurationTests {
    private func read(_ text: String) throws -> FirewallConfiguration {
        try FirewallConfiguration(FakeRuntime.configuration(text))
    }

    @Test(
        "What is absent, null or empty has its default",
        arguments: [
            "{}", #"{"backend":"","ingressPolicy":"","iptablesAdminChainName":"","firewalldZone":""}"#,
            #"{"backend":null,"ingressPolicy":null,"iptablesAdminChainName":null,"firewalldZone":null}"#,
        ])
    func defaults(text: String) throws {
        let configuration = try read(text)
        #expect(configuration.backend == nil && configuration.ingressPolicy == .open)
        #expect(configuration.adminChain.description == "CNI-ADMIN" && configuration.firewalldZone == "trusted")
    }

    @Test("Every key")
    func everything() throws {
        let configuration = try read(
            #"{"BACKEND":"iptables","ingressPolicy":"same-bridge","iptablesAdminChainName":"MY_chain-1","firewalldZone":"public"}"#
        )
        #expect(configuration.backend == .packetFilter(.iptables) && configuration.ingressPolicy == .sameBridge)
        #expect(configuration.adminChain.description == "MY_chain-1" && configuration.firewalldZone == "public")
        #expect(try read(#"{"backend":"nftables","ingressPolicy":"isolated"}"#).backend == .packetFilter(.nftables))
        #expect(try read(#"{"backend":"firewalld","ingressPolicy":"open"}"#).backend == .firewalld)
        #expect(try read(#"{"ingressPolicy":"isolated"}"#).ingressPolicy == .isolated)
    }

    @Test(
        "What is not understood is an error that names the key",
        arguments: [
            ("backend", #""pf""#), ("backend", #""IPTables""#), ("backend", "7"), ("ingressPolicy", #""closed""#),
            ("ingressPolicy", #""sameBridge""#), ("ingressPolicy", "true"), ("iptablesAdminChainName", #""FORWARD""#),
            ("iptablesAdminChainName", #""ACCEPT""#), ("iptablesAdminChainName", #""CNI-FORWARD""#),
            ("iptablesAdminChainName", #""CNI-ISOLATION-STAGE-1""#), ("iptablesAdminChainName", #""a b""#),
            ("iptablesAdminChainName", #""a\nb""#), ("iptablesAdminChainName", #""-j""#),
            ("iptablesAdminChainName", #""administrators""#), ("iptablesAdminChainName", "[]"),
            ("iptablesAdminChainName", #""a-name-of-more-than-28-letter""#), ("firewalldZone", #""a b""#),
            ("firewalldZone", #""../x\u0000""#), ("firewalldZone", "{}"),
        ])
    func refused(key: String, value: String) throws {
        let error = #expect(throws: JSONError.self) { try self.read(#"{"\#(key)":\#(value)}"#) }
        #expect(error?.description.hasPrefix(key) == true, "\(error?.description ?? "")")
    }
}
