import CNI
import CNIPlugin
import InterfaceSetup
import InterfaceTestSupport
import Netlink
import SystemPackage
import Testing

@testable import bridge

@Suite("BridgePlugin, DEL, GC and STATUS")
struct BridgeDeleteTests {
    @Test("DEL removes the pair and the lease, leaves the bridge, and may be repeated")
    func delete() throws {
        let scene = try BridgeScene()
        let request = try scene.runtime.request(BridgeScene.withIPAM)
        _ = try scene.plugin.add(request)
        for _ in 0..<3 {
            try scene.plugin.delete(scene.runtime.detaching(request))
            #expect(scene.host[scene.hostLink()] == nil && scene.container["eth0"] == nil && scene.host["cni0"] != nil)
            #expect(scene.programs.leases.isEmpty)
        }
        #expect(scene.programs.commands == ["ADD", "DEL", "DEL", "DEL"])
    }

    @Test("DEL without a sandbox removes the pair by its name on the host")
    func withoutSandbox() throws {
        let scene = try BridgeScene()
        let request = try scene.runtime.request(BridgeScene.withIPAM)
        _ = try scene.plugin.add(request)
        try scene.plugin.delete(scene.runtime.detaching(request, hasSandbox: false))
        #expect(scene.host[scene.hostLink()] == nil && scene.programs.leases.isEmpty)
        scene.log.clear()
        try scene.plugin.delete(scene.runtime.detaching(request, hasSandbox: false))
        #expect(
            scene.log.calls.filter { !$0.hasPrefix("packet filter") }
                == ["host: open a netlink socket", "host: delete link \(scene.hostLink())"])
    }

    @Test("without ipam nothing is delegated")
    func layer2() throws {
        let scene = try BridgeScene()
        try scene.plugin.delete(scene.runtime.detaching(scene.runtime.request()))
        #expect(scene.programs.calls.isEmpty)
    }

    /// A pair such as another implementation makes: a random name on the host.
    private func foreignPair(_ scene: BridgeScene, alias: String? = nil) throws {
        let bridge = scene.host.makeLink(name: "cni0", kind: "bridge", isUp: true)
        let near = try #require(
            try scene.host.add(
                NewLink(
                    name: "veth1a2b3c4d",
                    kind: .veth(VethPeer(name: "eth0", namespace: scene.runtime.sandbox.namespace)),
                    master: bridge.index)))
        try scene.host.change(near, LinkChange(isUp: true, alias: alias))
    }

    @Test("a pair that the reference made is found in the sandbox")
    func reference() throws {
        let scene = try BridgeScene()
        try foreignPair(scene)
        try scene.plugin.delete(scene.runtime.detaching(scene.runtime.request(BridgeScene.withIPAM)))
        #expect(scene.host["veth1a2b3c4d"] == nil && scene.container["eth0"] == nil)
    }

    @Test("an interface of that name that belongs to another network stays")
    func otherNetwork() throws {
        let scene = try BridgeScene()
        try foreignPair(scene, alias: "cni:other/c1/eth0")
        try scene.plugin.delete(scene.runtime.detaching(scene.runtime.request(BridgeScene.withIPAM)))
        #expect(scene.host["veth1a2b3c4d"] != nil && scene.container["eth0"] != nil)
    }

    @Test("an interface of another kind stays")
    func otherKind() throws {
        let scene = try BridgeScene()
        scene.container.makeLink(name: "eth0", kind: "macvlan")
        try scene.plugin.delete(scene.runtime.detaching(scene.runtime.request()))
        #expect(scene.container["eth0"] != nil)
    }

    @Test("IPAM's DEL runs although the link could not be removed, and both failures are told")
    func everyFailure() throws {
        let scene = try BridgeScene()
        let request = try scene.runtime.request(BridgeScene.withIPAM)
        _ = try scene.plugin.add(request)
        scene.log.fail("delete link", .resourceBusy)
        let link = "cannot delete link \(scene.hostLink()): \(Errno.resourceBusy)"
        #expect(failure { try scene.plugin.delete(scene.runtime.detaching(request)) } == link)
        #expect(scene.programs.leases.isEmpty)
        scene.programs.answers["DEL"] = .fails(status: 1, #"{"code":5,"msg":"disk gone"}"#)
        #expect(failure { try scene.plugin.delete(scene.runtime.detaching(request)) } == "\(link); disk gone")
        scene.log.fail("open a netlink socket", .noMemory)
        #expect(
            failure { try scene.plugin.delete(scene.runtime.detaching(request)) }
                == "cannot open a netlink socket: \(Errno.noMemory); disk gone")
    }

    // A runtime that got an error from ADD calls DEL; an error from that too would keep it from ever being done.
    @Test(
        "DEL cleans up by a configuration that ADD refuses",
        arguments: [
            #""ipMasqBackend":"ipfw""#, #""mtu":"large""#, #""hairpinMode":true,"promiscMode":true"#, #""vlan":9999"#,
        ])
    func refusedConfiguration(members: String) throws {
        let scene = try BridgeScene()
        try scene.add()
        let request = try scene.runtime.request(BridgeScene.json(members), arguments: "MAC=nonsense")
        #expect(failure { try scene.plugin.add(request) } != nil)
        try scene.plugin.delete(scene.runtime.detaching(request))
        #expect(scene.host[scene.hostLink()] == nil && scene.programs.leases.isEmpty)
    }

    @Test("GC removes this network's ports that are not listed, and nothing else")
    func collectsGarbage() throws {
        let scene = try BridgeScene()
        for (number, network) in [(1, "net"), (2, "net"), (3, "other")] {
            let sandbox = try scene.runtime.kernel.makeSandbox("/run/netns/\(number)").sandbox
            _ = try scene.plugin.add(
                scene.runtime.request(
                    BridgeScene.withIPAM, network: network, containerID: "c\(number)", sandbox: sandbox))
        }
        let bridge = try #require(scene.host["cni0"])
        scene.host.makeLink(name: "veth1a2b3c4d", kind: "veth", master: bridge.index)
        scene.host.makeLink(name: "uplink", kind: nil, master: bridge.index)
        // By its name it is this network's, by its alias another's.
        let claimed = scene.hostLink(containerID: "c9")
        scene.host.makeLink(name: claimed, kind: "veth", master: bridge.index, alias: "cni:twin/c9/eth0")
        scene.programs.clear()

        let living = CNI.Attachment(network: "net", containerID: "c2", interfaceName: "eth0")
        try scene.plugin.collectGarbage(scene.runtime.networkRequest(BridgeScene.withIPAM), living: [living])
        let ports = scene.host.state.links.values.filter { $0.master == bridge.index }.map(\.name)
        #expect(
            Set(ports) == [
                scene.hostLink(containerID: "c2"), scene.hostLink(containerID: "c3", network: "other"), "veth1a2b3c4d",
                "uplink", claimed,
            ])
        #expect(scene.programs.commands == ["GC"])
    }

    @Test("GC without the bridge still lets IPAM collect, and reports what fails")
    func garbageFailures() throws {
        let scene = try BridgeScene()
        try scene.plugin.collectGarbage(scene.runtime.networkRequest(BridgeScene.withIPAM), living: [])
        #expect(scene.programs.commands == ["GC"])
        try scene.add()
        scene.programs.answers["GC"] = .fails(status: 1, #"{"code":5,"msg":"disk gone"}"#)
        scene.log.fail("delete link", .resourceBusy)
        let message = try #require(
            failure { try scene.plugin.collectGarbage(scene.runtime.networkRequest(BridgeScene.withIPAM), living: []) })
        #expect(message.contains("cannot delete link") && message.hasSuffix("; disk gone"))
    }

    @Test("STATUS asks IPAM, and is against another link in the bridge's place")
    func status() throws {
        let scene = try BridgeScene()
        try scene.plugin.status(scene.runtime.networkRequest(BridgeScene.withIPAM))
        #expect(scene.programs.commands == ["STATUS"])
        scene.programs.answers["STATUS"] = .fails(status: 1, #"{"code":50,"msg":"10.1.0.0/16 is full"}"#)
        #expect(code { try scene.plugin.status(scene.runtime.networkRequest(BridgeScene.withIPAM)) } == 50)
        scene.programs.answers = [:]
        #expect(code { try scene.plugin.status(scene.runtime.networkRequest(#"{"bridge":"eth0"}"#)) } == 50)
        #expect(
            failure { try scene.plugin.status(scene.runtime.networkRequest(#"{"bridge":"eth0"}"#)) }
                == "eth0 is no bridge but a device")
        scene.host.makeLink(name: "cni0", kind: "bridge")
        try scene.plugin.status(scene.runtime.networkRequest())
    }
}
