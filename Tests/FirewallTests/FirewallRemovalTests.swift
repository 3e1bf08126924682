import CNI
import CNIPlugin
import InterfaceTestSupport
import NetworkAddress
import PacketFilter
import SystemPackage
import Testing

@testable import firewall

@Suite("FirewallPlugin, DEL, GC and STATUS")
struct FirewallRemovalTests {
    private static let backends = [#"{"backend":"nftables"}"#, #"{"backend":"iptables"}"#]

    private func detaching(_ scene: FirewallScene, _ text: String = "{}") throws -> DetachRequest {
        scene.runtime.detaching(try scene.request(text), hasSandbox: false)
    }

    @Test(
        "DEL needs nothing but the attachment, whatever the configuration says by then",
        arguments: [
            "{}", #"{"backend":"firewalld"}"#,
            #"{"backend":"pf","ingressPolicy":7,"iptablesAdminChainName":"FORWARD"}"#,
        ])
    func deletion(text: String) throws {
        var scene = try FirewallScene()
        for backend in Self.backends { try scene.add(backend) }
        scene.prevResult = nil
        scene.log.clear()
        try scene.plugin.delete(detaching(scene, text))
        #expect(scene.nftables.state == FakePacketFilter.State() && scene.iptables.state == FakePacketFilter.State())
        #expect(scene.nftables.takenBack == [[]] && scene.iptables.takenBack == [[]])
        // No link is looked at.
        #expect(scene.log.calls.count == 2)
        try scene.plugin.delete(detaching(scene, text))
    }

    @Test("DEL tells the addresses where it knows them, and takes back what is its own only")
    func others() throws {
        let scene = try FirewallScene()
        try scene.add()
        try scene.add("{}", network: "other")
        try scene.add("{}", containerID: "c2")
        try scene.plugin.delete(detaching(scene))
        #expect(
            Set(scene.nftables.state.admitted.keys) == [
                RuleOwner(network: "other", containerID: "c1", interfaceName: "eth0"),
                RuleOwner(network: "net", containerID: "c2", interfaceName: "eth0"),
            ])
        #expect(scene.iptables.takenBack.map { $0.map(\.description) } == [["10.1.0.5", "fd00:1::5"]])
    }

    @Test("Whatever fails, DEL and GC go on in the other backend, and say so", arguments: ["nftables", "iptables"])
    func oneFails(failing: String) throws {
        let scene = try FirewallScene()
        let request = try scene.runtime.networkRequest()
        for command in [
            { try scene.plugin.delete(detaching(scene)) }, { try scene.plugin.collectGarbage(request, living: []) },
        ] {
            for backend in Self.backends { try scene.add(backend) }
            scene.log.fail("\(failing): stop admitting", .notPermitted)
            let message = failure { try command() }
            #expect(message?.hasPrefix("\(failing): cannot stop admitting") == true)
            #expect(scene.nftables.state.admitted.isEmpty == (failing != "nftables"))
            #expect(scene.iptables.state.admitted.isEmpty == (failing != "iptables"))
            scene.log.clear()
            try command()
            #expect(scene.nftables.state.admitted.isEmpty && scene.iptables.state.admitted.isEmpty)
        }
        scene.log.fail("stop admitting", .notPermitted)
        let message = failure { try scene.plugin.delete(detaching(scene)) } ?? ""
        #expect(message.contains("nftables: cannot") && message.contains("; iptables: cannot"))
    }

    @Test("GC takes back what attachments of this network have that are not listed, in every backend")
    func garbage() throws {
        let scene = try FirewallScene()
        for (id, network) in [("c1", "net"), ("c2", "net"), ("c3", "other")] {
            for backend in Self.backends { try scene.add(backend, network: network, containerID: id) }
        }
        let living = Attachment(network: "net", containerID: "c2", interfaceName: "eth0")
        try scene.plugin.collectGarbage(scene.runtime.networkRequest(#"{"backend":"?"}"#), living: [living])
        for backend in [scene.nftables, scene.iptables] {
            #expect(Set(backend.state.admitted.keys.map(\.containerID)) == ["c2", "c3"])
        }
    }

    @Test("STATUS is 50 where the chosen backend lacks what it takes", arguments: ["nftables", "iptables"])
    func status(backend: String) throws {
        let scene = try FirewallScene()
        let request = try scene.runtime.networkRequest(#"{"backend":"\#(backend)"}"#)
        try scene.plugin.status(request)
        let (chosen, other) =
            backend == "nftables" ? (scene.nftables, scene.iptables) : (scene.iptables, scene.nftables)
        other.isSupported = false
        try scene.plugin.status(request)
        chosen.isSupported = false
        #expect(code { try scene.plugin.status(request) } == 50)
        #expect(failure { try scene.plugin.status(request) } == "\(backend): make a table: not supported here")
        #expect(scene.log.calls.isEmpty)
        #expect(code { try scene.plugin.status(scene.runtime.networkRequest(#"{"backend":"pf"}"#)) } == 7)
    }
}
