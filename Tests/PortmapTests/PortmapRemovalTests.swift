import CNI
import CNIPlugin
import InterfaceTestSupport
import NetworkAddress
import PacketFilter
import SystemPackage
import Testing

@testable import portmap

@Suite("PortmapPlugin, DEL, GC and STATUS")
struct PortmapRemovalTests {
    private static let nftables = #""backend":"nftables""#
    private static let iptables = #""backend":"iptables""#

    private func detaching(
        _ scene: PortmapScene, _ text: String = "{}", hasSandbox: Bool = false
    ) throws -> DetachRequest {
        scene.runtime.detaching(try scene.runtime.request(text), hasSandbox: hasSandbox)
    }

    @Test(
        "DEL needs nothing but the attachment, whatever the configuration says by then",
        arguments: [
            "{}", PortmapScene.json(), PortmapScene.json("5"), PortmapScene.json("", #""backend":"iptables""#),
            PortmapScene.json("", #""backend":"pf","snat":"?","conditionsV4":7"#), #"{"runtimeConfig":[]}"#,
        ], [true, false])
    func deletion(text: String, hasSandbox: Bool) throws {
        let scene = try PortmapScene()
        for backend in [Self.nftables, Self.iptables] { try scene.add(PortmapScene.web, backend) }
        try scene.plugin.delete(detaching(scene, text, hasSandbox: hasSandbox))
        #expect(scene.nftables.state == FakePacketFilter.State() && scene.iptables.state == FakePacketFilter.State())
        #expect(!scene.log.calls.suffix(4).contains { $0.hasPrefix("host") })
    }

    @Test("DEL of what was never there is done")
    func nothingThere() throws {
        let scene = try PortmapScene()
        try scene.plugin.delete(detaching(scene))
        try scene.plugin.delete(detaching(scene))
        #expect(scene.connections.calls.allSatisfy { $0.published.isEmpty })
    }

    @Test("DEL takes back what is its own only, and has the kernel forget who used it")
    func others() throws {
        let scene = try PortmapScene()
        try scene.add()
        try scene.add(PortmapScene.web, "", network: "other")
        try scene.add(#"{"hostPort":7070,"containerPort":70}"#, "", containerID: "c2")
        let published = try #require(scene.nftables.state.published[PortmapScene.owner]).published
        #expect(published.map(\.container.description) == ["10.1.0.5", "fd00:1::5"])
        try scene.plugin.delete(detaching(scene))
        #expect(
            Set(scene.nftables.state.published.keys) == [
                RuleOwner(network: "other", containerID: "c1", interfaceName: "eth0"),
                RuleOwner(network: "net", containerID: "c2", interfaceName: "eth0"),
            ])
        #expect(
            scene.connections.calls.suffix(2) == [
                FakeConnectionTracker.Call(published: published, which: .thatGoThere),
                FakeConnectionTracker.Call(published: [], which: .thatGoThere),
            ])
    }

    @Test("whatever fails, DEL goes on in the other backend, and says so", arguments: ["nftables", "iptables"])
    func oneFails(failing: String) throws {
        let scene = try PortmapScene()
        for backend in [Self.nftables, Self.iptables] { try scene.add(PortmapScene.web, backend) }
        scene.log.fail("\(failing): unpublish", .notPermitted)
        let message = failure { try scene.plugin.delete(detaching(scene)) }
        #expect(
            message
                == "\(failing): cannot unpublish ports of eth0 of container c1 on network net: \(Errno.notPermitted)")
        #expect(scene.nftables.state.published.isEmpty == (failing != "nftables"))
        #expect(scene.iptables.state.published.isEmpty == (failing != "iptables"))
        // The next DEL finds the rest.
        scene.log.clear()
        try scene.plugin.delete(detaching(scene))
        #expect(scene.nftables.state.published.isEmpty && scene.iptables.state.published.isEmpty)
    }

    @Test("every failure of DEL is told")
    func allFail() throws {
        let scene = try PortmapScene()
        scene.log.fail("unpublish", .ioError)
        let message = failure { try scene.plugin.delete(detaching(scene)) } ?? ""
        #expect(message.contains("nftables: cannot unpublish") && message.contains("; iptables: cannot unpublish"))
        #expect(code { try scene.plugin.delete(detaching(scene)) } == 100)
    }

    @Test("connections that cannot be forgotten are told once the ports are gone")
    func forgettingFails() throws {
        let scene = try PortmapScene()
        for backend in [Self.nftables, Self.iptables] { try scene.add(PortmapScene.web, backend) }
        scene.log.fail("conntrack", .noMemory)
        let message = failure { try scene.plugin.delete(detaching(scene)) } ?? ""
        let one = "conntrack: cannot forget connections: \(Errno.noMemory)"
        #expect(message == "\(one); \(one)")
        #expect(scene.nftables.state.published.isEmpty && scene.iptables.state.published.isEmpty)
        scene.log.clear()
        scene.connections.isSupported = false
        try scene.plugin.delete(detaching(scene))
    }

    // MARK: GC

    @Test("GC takes back what belongs to attachments of this network that do not live, in every backend")
    func garbage() throws {
        let scene = try PortmapScene()
        for (number, network) in [(1, "net"), (2, "net"), (3, "other"), (4, "net")] {
            try scene.add(
                #"{"hostPort":\#(8000 + number),"containerPort":80}"#, number == 4 ? Self.iptables : Self.nftables,
                network: network, containerID: "c\(number)")
        }
        let living = ["eth0", "eth1"].map { Attachment(network: "net", containerID: "c2", interfaceName: $0) }
        // Another network's attachment of that name says nothing of this one's.
        let foreign = Attachment(network: "other", containerID: "c1", interfaceName: "eth0")
        try scene.plugin.collectGarbage(
            scene.runtime.networkRequest(PortmapScene.json()), living: Set(living + [foreign]))
        #expect(Set(scene.nftables.state.published.keys.map(\.containerID)) == ["c2", "c3"])
        #expect(scene.iptables.state.published.isEmpty)
        let forgotten = scene.connections.calls.suffix(2)
        #expect(forgotten.allSatisfy { $0.which == .thatGoThere })
        #expect(forgotten.map { Set($0.published.map(\.mapping.description)) } == [["8001/tcp"], ["8004/tcp"]])

        try scene.plugin.collectGarbage(scene.runtime.networkRequest(), living: [])
        #expect(scene.nftables.state.published.keys.map(\.containerID) == ["c3"])
    }

    @Test("whatever fails, GC goes on in the other backend, and tells every failure")
    func failingGarbage() throws {
        let scene = try PortmapScene()
        try scene.add(PortmapScene.web, Self.iptables)
        scene.log.fail("nftables: unpublish", .notPermitted)
        let request = try scene.runtime.networkRequest()
        #expect(
            failure { try scene.plugin.collectGarbage(request, living: []) }
                == "nftables: cannot unpublish ports of network net: \(Errno.notPermitted)")
        #expect(scene.iptables.state.published.isEmpty)
        scene.log.fail("unpublish", .notPermitted)
        let message = failure { try scene.plugin.collectGarbage(request, living: []) } ?? ""
        #expect(message.contains("nftables: cannot") && message.contains("; iptables: cannot"))
    }

    // MARK: STATUS

    @Test("STATUS is 50 where the chosen backend lacks what it takes", arguments: ["nftables", "iptables"])
    func status(backend: String) throws {
        let scene = try PortmapScene()
        let request = try scene.runtime.networkRequest(#"{"backend":"\#(backend)"}"#)
        try scene.plugin.status(request)
        let (chosen, other) =
            backend == "nftables" ? (scene.nftables, scene.iptables) : (scene.iptables, scene.nftables)
        other.isSupported = false
        try scene.plugin.status(request)
        chosen.isSupported = false
        #expect(code { try scene.plugin.status(request) } == 50)
        #expect(failure { try scene.plugin.status(request) } == "\(backend): make a table: not supported here")
        #expect(scene.nftables.state == FakePacketFilter.State() && scene.connections.calls.isEmpty)
    }

    @Test("STATUS needs no mappings and no prevResult, but a configuration that is right")
    func statusOfConfigurations() throws {
        let scene = try PortmapScene()
        try scene.plugin.status(scene.runtime.networkRequest())
        #expect(scene.filters.chosen == [nil])
        for text in [#"{"backend":"pf"}"#, #"{"snat":7}"#, #"{"conditionsV6":["-j"]}"#] {
            #expect(code { try scene.plugin.status(scene.runtime.networkRequest(text)) } == 7)
        }
        #expect(scene.filters.chosen == [nil])
    }
}
