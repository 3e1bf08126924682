import CNI
import InterfaceTestSupport
import PacketFilter
import SystemPackage
import Testing

@testable import firewall

@Suite("FirewallPlugin, firewalld")
struct FirewallZoneTests {
    private static let addresses: Set = ["10.1.0.5", "fd00:1::5"]
    private static let named = #"{"backend":"firewalld"}"#

    private func scene(isRunning: Bool = true) throws -> FirewallScene {
        let scene = try FirewallScene()
        scene.firewalld.isOn = isRunning
        return scene
    }

    @Test(
        "firewalld is told where it is named, or runs and nothing else is named; the rules are made all the same",
        arguments: [
            ("{}", "trusted"), (#"{"backend":""}"#, "trusted"), (named, "trusted"),
            (#"{"firewalldZone":"my-zone"}"#, "my-zone"),
        ])
    func adding(keys: String, zone: String) throws {
        let scene = try scene()
        #expect(try scene.add(keys) == scene.prevResult)
        #expect(scene.firewalld.zones == [zone: Self.addresses])
        #expect(scene.nftables.state.admitted[FirewallScene.owner]?.addresses.count == 2)
        try scene.plugin.check(scene.request(keys))
    }

    @Test("it is not asked where another backend is named", arguments: ["iptables", "nftables"])
    func anotherBackend(name: String) throws {
        let scene = try scene()
        let keys = #"{"backend":"\#(name)"}"#
        try scene.add(keys)
        try scene.plugin.check(scene.request(keys))
        try scene.plugin.delete(scene.runtime.detaching(scene.request(keys)))
        #expect(scene.firewalld.zones.isEmpty && !scene.log.calls.contains { $0.hasPrefix("firewalld") })
    }

    @Test("where it is named and does not run, that is an error; DEL and GC have nothing to ask of it")
    func notRunning() throws {
        let scene = try scene(isRunning: false)
        #expect(
            failure { try scene.add(Self.named) }
                == "backend: firewalld does not run: nothing answers on the message bus")
        #expect(code { try scene.plugin.check(scene.request(Self.named)) } == 50)
        #expect(code { try scene.plugin.status(scene.runtime.networkRequest(Self.named)) } == 50)
        #expect(scene.log.calls.isEmpty)
        try scene.plugin.delete(scene.runtime.detaching(scene.request(Self.named)))
        try scene.plugin.collectGarbage(scene.runtime.networkRequest(Self.named), living: [])
        #expect(!scene.log.calls.contains { $0.hasPrefix("firewalld") })
    }

    @Test(
        "where nobody says whether it runs, ADD and CHECK change nothing, and DEL and GC remove the rules before they say so"
    )
    func silence() throws {
        let scene = try scene()
        try scene.add(#"{"backend":"nftables"}"#)
        let before = scene.nftables.state
        scene.firewalld.isSilent = true
        for keys in ["{}", Self.named] {
            #expect(code { try scene.add(keys) } == 11)
            #expect(code { try scene.plugin.check(scene.request(keys)) } == 11)
            #expect(code { try scene.plugin.status(scene.runtime.networkRequest(keys)) } == 50)
            #expect(scene.nftables.state == before)
        }
        #expect(code { try scene.plugin.delete(scene.runtime.detaching(scene.request("{}"))) } == 11)
        #expect(scene.nftables.state.admitted.isEmpty)
        try scene.add(#"{"backend":"nftables"}"#)
        #expect(code { try scene.plugin.collectGarbage(scene.runtime.networkRequest("{}"), living: []) } == 11)
        #expect(scene.nftables.state.admitted.isEmpty)
    }

    @Test("CHECK misses an address that is in the zone no more")
    func checking() throws {
        let scene = try scene()
        try scene.add()
        scene.firewalld.zones["trusted"]?.remove("fd00:1::5")
        #expect(
            failure { try scene.plugin.check(scene.request()) } == "firewalld: fd00:1::5 is not in the zone trusted")
    }

    @Test("DEL takes the addresses out of the zone, also without a result", arguments: [true, false])
    func deleting(hasResult: Bool) throws {
        var scene = try scene()
        try scene.add()
        if !hasResult { scene.prevResult = nil }
        try scene.plugin.delete(scene.runtime.detaching(scene.request()))
        #expect(scene.firewalld.zones == ["trusted": []])
        #expect(scene.nftables.state.admitted.isEmpty)
    }

    @Test("an address that another container has by now stays in the zone, however late DEL comes")
    func addressOfAnother() throws {
        let scene = try scene()
        try scene.add()
        try scene.plugin.delete(scene.runtime.detaching(scene.request()))
        try scene.add(containerID: "c2")
        try scene.plugin.delete(scene.runtime.detaching(scene.request()))
        #expect(scene.firewalld.zones == ["trusted": Self.addresses])
    }

    @Test("what another implementation put into the zone goes by the result")
    func ofAnotherImplementation() throws {
        let scene = try scene()
        scene.firewalld.zones["trusted"] = Self.addresses.union(["192.0.2.9"])
        try scene.plugin.delete(scene.runtime.detaching(scene.request()))
        #expect(scene.firewalld.zones == ["trusted": ["192.0.2.9"]])
    }

    @Test("GC takes out what belongs to attachments of this network that do not live")
    func garbage() throws {
        var scene = try scene()
        for (number, network) in [(1, "net"), (2, "net"), (3, "other")] {
            scene.prevResult = try FirewallScene.result(
                #""ips":[{"address":"10.1.0.\#(number)/16","interface":2}]"#)
            try scene.add(network: network, containerID: "c\(number)")
        }
        let living = Attachment(network: "net", containerID: "c2", interfaceName: "eth0")
        try scene.plugin.collectGarbage(scene.runtime.networkRequest("{}"), living: [living])
        #expect(scene.firewalld.zones == ["trusted": ["10.1.0.2", "10.1.0.3"]])
    }

    @Test("whatever step of ADD fails, the zone is as it was")
    func rollback() throws {
        let count = try {
            let scene = try scene()
            try scene.add()
            return scene.log.calls.count
        }()
        #expect(count >= 5)
        for number in 1...count {
            let scene = try scene()
            scene.firewalld.zones["trusted"] = ["192.0.2.9"]
            scene.log.fail(call: number, .notPermitted)
            #expect(failure { try scene.add() } != nil, "call \(number)")
            #expect(scene.firewalld.zones == ["trusted": ["192.0.2.9"]], "call \(number)")
            #expect(scene.nftables.state == FakePacketFilter.State(), "call \(number)")
        }
    }

    @Test("DEL goes on when firewalld fails with one address, and says so")
    func failingRemoval() throws {
        let scene = try scene()
        try scene.add()
        scene.log.fail("firewalld: remove 10.1.0.5", .notPermitted)
        #expect(failure { try scene.plugin.delete(scene.runtime.detaching(scene.request())) } != nil)
        #expect(scene.firewalld.zones == ["trusted": ["10.1.0.5"]] && scene.nftables.state.admitted.isEmpty)
    }
}
