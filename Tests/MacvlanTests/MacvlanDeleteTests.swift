import CNI
import CNIPlugin
import InterfaceTestSupport
import LinuxSystem
import Netlink
import NetworkAddress
import SystemPackage
import Testing

@testable import macvlan

@Suite("MacvlanPlugin, DEL, GC and STATUS")
struct MacvlanDeleteTests {
    @Test("DEL removes the link and then the lease, leaves the master, and may be repeated")
    func delete() throws {
        let scene = try MacvlanScene()
        let before = scene.runtime.kernel.snapshot
        try scene.add()
        for _ in 0..<3 {
            try scene.delete()
            #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
        }
        #expect(scene.programs.commands == ["ADD", "DEL", "DEL", "DEL"])
    }

    @Test("the link is gone before its address is anybody else's")
    func order() throws {
        let scene = try MacvlanScene()
        try scene.add()
        var leases: Set<String> = []
        defer { scene.log.clear() }
        scene.log.failure = { _, call in
            if call.hasPrefix("sandbox: delete link") { leases = scene.programs.leases }
            return nil
        }
        try scene.delete()
        #expect(leases == ["c1"])
    }

    @Test("DEL without a sandbox releases the lease, and looks into no sandbox")
    func withoutSandbox() throws {
        let scene = try MacvlanScene()
        try scene.add()
        scene.log.clear()
        for _ in 0..<2 { try scene.delete(hasSandbox: false) }
        #expect(scene.programs.leases.isEmpty)
        #expect(scene.log.position("sandbox:") == nil && scene.log.position("delete link") == nil)
    }

    @Test("without ipam nothing is delegated")
    func layer2() throws {
        let scene = try MacvlanScene()
        let request = try scene.runtime.request(#"{"master":"eth0"}"#, interfaceName: "net1")
        _ = try scene.plugin.add(request)
        try scene.plugin.delete(scene.runtime.detaching(request))
        #expect(scene.container["net1"] == nil && scene.programs.calls.isEmpty)
    }

    // An ADD that failed because the name was taken is followed by DEL.
    @Test(
        "a link of the interface's name that is another kind, or another attachment's, stays",
        arguments: [
            ("veth", nil), (nil, nil), ("macvlan", "cni:net/c2/net1"), ("macvlan", "cni:other/c1/net1"),
        ] as [(String?, String?)])
    func foreignLink(kind: String?, alias: String?) throws {
        let scene = try MacvlanScene()
        scene.container.makeLink(name: "net1", kind: kind, alias: alias)
        let before = scene.runtime.kernel.snapshot
        try scene.delete()
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.commands == ["DEL"])
    }

    @Test(
        "a macvlan that says nothing of whose it is, such as the reference makes, is the attachment's",
        arguments: [nil, "", "a text of somebody's"])
    func reference(alias: String?) throws {
        let scene = try MacvlanScene()
        scene.container.makeLink(name: "net1", kind: "macvlan", alias: alias)
        scene.container.makeLink(name: "net2", kind: "macvlan", alias: alias)
        try scene.delete()
        #expect(scene.container["net1"] == nil && scene.container["net2"] != nil)
    }

    @Test("every step runs although others fail, and all failures are told")
    func everyFailure() throws {
        let scene = try MacvlanScene()
        let second = try scene.runtime.kernel.makeSandbox("/run/netns/two")
        let members = #""hostShim":true"#
        try scene.add(members)
        try scene.add(members, containerID: "c2", sandbox: second.sandbox)
        let index = try #require(scene.container["net1"]?.index)
        scene.log.failure = { _, call in
            call == "sandbox: delete link \(index)" || call.hasPrefix("host: delete route") ? .resourceBusy : nil
        }
        scene.programs.answersForContainers["c1"] = ["DEL": .fails(status: 1, #"{"code":5,"msg":"disk gone"}"#)]
        let message = try #require(failure { try scene.delete(members) })
        let parts = message.split(separator: "; ")
        #expect(parts.count == 3, "\(message)")
        #expect(parts.first == "cannot delete link \(index): \(Errno.resourceBusy)")
        #expect(parts.dropFirst().first?.hasPrefix("cannot delete route 192.0.2.5/32") == true)
        #expect(parts.last == "disk gone")

        scene.programs.answersForContainers["c1"] = nil
        #expect(failure { try scene.delete(members) } != nil)
        #expect(scene.programs.leases == ["c2", HostShim.containerID])
        scene.log.fail("open a netlink socket", .noMemory)
        let socket = "cannot open a netlink socket: \(Errno.noMemory)"
        #expect(failure { try scene.delete(members) } == "\(socket); \(socket)")
        scene.log.clear()
        try scene.delete(members)
        #expect(scene.container["net1"] == nil && scene.shimRoutes() == ["192.0.2.5/32"])
    }

    // A runtime that got an error from ADD calls DEL; an error from that too would keep it from ever being done.
    @Test(
        "DEL cleans up by a configuration that ADD refuses",
        arguments: [
            #""mode":"hairpin""#, #""mtu":"large""#, #""master":7"#, #""linkInContainer":1,"hostShim":true"#,
            #""hostShim":"x""#,
        ])
    func refusedConfiguration(members: String) throws {
        let scene = try MacvlanScene()
        let before = scene.runtime.kernel.snapshot
        try scene.add(#""hostShim":true"#)
        let request = try scene.request(members, arguments: "MAC=nonsense")
        #expect(failure { try scene.plugin.add(request) } != nil)
        try scene.plugin.delete(scene.runtime.detaching(request))
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
    }

    // MARK: STATUS

    private func status(_ scene: MacvlanScene, _ text: String) throws {
        try scene.plugin.status(scene.runtime.networkRequest(text))
    }

    @Test("STATUS is well where the master is up, and asks IPAM")
    func status() throws {
        let scene = try MacvlanScene()
        try status(scene, MacvlanScene.json())
        #expect(scene.programs.commands == ["STATUS"])
        scene.programs.answers["STATUS"] = .fails(status: 1, #"{"code":50,"msg":"192.0.2.0/24 is full"}"#)
        #expect(failure { try status(scene, MacvlanScene.json()) } == "192.0.2.0/24 is full")
        #expect(code { try status(scene, MacvlanScene.json()) } == 50)
    }

    @Test(
        "STATUS is against a master that is missing, down, too small, or that no default route names: code 50",
        arguments: [
            (
                #""master":"ens9""#,
                #"master: expected the name of a link of the host, found "ens9", which is not there"#
            ),
            (#""master":"down""#, "master down is down"),
            (#""master":"eth0","mtu":1501"#, "mtu: expected at most the 1500 of eth0, found 1501"),
            (
                #""master":"""#,
                "master: expected the name of a link, found none, and the host has no default route whose link could be it"
            ),
        ])
    func statusOfMaster(members: String, message: String) throws {
        let scene = try MacvlanScene()
        scene.host.makeLink(name: "down", kind: nil)
        #expect(failure { try status(scene, "{\(members)}") } == message)
        #expect(code { try status(scene, "{\(members)}") } == 50)
        // The container's master is not there before the container is.
        try status(scene, #"{"linkInContainer":true,\#(members)}"#)
    }

    @Test("STATUS finds the master by the default route")
    func statusOfDefaultRoute() throws {
        let scene = try MacvlanScene()
        MacvlanScene.addDefaultRoute(scene.host, by: "eth0")
        try status(scene, "{}")
        scene.host["eth0"]?.isUp = false
        #expect(failure { try status(scene, "{}") } == "master eth0 is down")
    }

    @Test("STATUS refuses a configuration that ADD refuses, with its code")
    func statusOfConfiguration() throws {
        let scene = try MacvlanScene()
        #expect(code { try status(scene, #"{"mode":"hairpin"}"#) } == 7)
    }

    // MARK: GC

    @Test("GC without a shim hands everything to IPAM as it came")
    func collectsGarbage() throws {
        let scene = try MacvlanScene()
        try scene.add()
        scene.programs.clear()
        let before = scene.runtime.kernel.snapshot
        let request = try scene.runtime.networkRequest(
            #"{"master":"eth0","ipam":{"type":"fake-ipam"},"cni.dev/valid-attachments":[]}"#)
        try scene.plugin.collectGarbage(request, living: [])
        #expect(scene.programs.commands == ["GC"])
        #expect(scene.programs.calls.first?.input == request.execution.input)
        #expect(scene.runtime.kernel.snapshot == before)
    }

    @Test("GC tells what fails")
    func garbageFailures() throws {
        let scene = try MacvlanScene()
        scene.programs.answers["GC"] = .fails(status: 1, #"{"code":5,"msg":"disk gone"}"#)
        scene.log.fail("look up link", .ioError)
        let request = try scene.runtime.networkRequest(MacvlanScene.json())
        #expect(
            failure { try scene.plugin.collectGarbage(request, living: []) }
                == "cannot look up link \(scene.shim()): \(Errno.ioError); disk gone")
        #expect(code { try scene.plugin.collectGarbage(request, living: []) } == 100)
    }
}
