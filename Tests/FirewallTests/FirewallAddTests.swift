import CNI
import CNIPlugin
import InterfaceTestSupport
import JSON
import Netlink
import NetworkAddress
import PacketFilter
import PacketFilterSetup
import SystemPackage
import Testing

@testable import firewall

@Suite("FirewallPlugin, ADD and CHECK")
struct FirewallAddTests {
    private static let sameBridge = #"{"ingressPolicy":"same-bridge"}"#
    private static let isolated = #"{"ingressPolicy":"isolated"}"#
    private static let addresses = ["10.1.0.5", "fd00:1::5"].compactMap { IPAddress($0) }

    @Test("The addresses of the container are let through, and the result is handed on as it is")
    func open() throws {
        var scene = try FirewallScene()
        scene.prevResult = try FirewallScene.result(
            #""ips":[\#(FirewallScene.ipv4),\#(FirewallScene.ipv6)],"dns":{"domain":"x"},"theirs":{"a":[1]}"#)
        let before = scene.runtime.kernel.snapshot
        #expect(try scene.add() == scene.prevResult)
        #expect(
            scene.nftables.state.admitted == [
                FirewallScene.owner: ContainerAdmission(owner: FirewallScene.owner, addresses: Self.addresses)
            ])
        #expect(scene.runtime.kernel.snapshot == before && scene.iptables.state == FakePacketFilter.State())
        // Links do not matter where everybody is reached by everybody.
        #expect(scene.log.calls == ["nftables: admit \(FirewallScene.owner)"])
        try scene.plugin.check(scene.request())
    }

    @Test(
        "The policy names the bridge, and the configuration the administrator's chain",
        arguments: [Self.sameBridge, Self.isolated])
    func policies(keys: String) throws {
        let scene = try FirewallScene()
        let keys = keys.dropLast() + #","iptablesAdminChainName":"MY","backend":"iptables"}"#
        #expect(try scene.add(String(keys)) == scene.prevResult)
        let isIsolated = keys.contains("isolated")
        #expect(
            scene.iptables.state.admitted == [
                FirewallScene.owner: ContainerAdmission(
                    owner: FirewallScene.owner, addresses: Self.addresses,
                    policy: isIsolated ? .isolated("cni0") : .sameBridge("cni0"),
                    adminChain: try #require(ChainName("MY")))
            ])
        #expect(scene.isPortIsolated == isIsolated)
        try scene.plugin.check(scene.request(String(keys)))
    }

    @Test("Only addresses of the container count, each once")
    func addresses() throws {
        var scene = try FirewallScene()
        scene.prevResult = try FirewallScene.result(
            #""ips":[\#(FirewallScene.ipv4),{"address":"10.1.0.1/16","interface":0},{"address":"10.9.0.1/24"},"#
                + #"{"address":"10.1.0.5/24","interface":2}]"#)
        try scene.add()
        let admitted = scene.nftables.state.admitted[FirewallScene.owner]
        #expect(admitted?.addresses.map(\.description) == ["10.1.0.5", "10.9.0.1"])
    }

    @Test("In a VLAN with a gateway of its own, containers' packets come by that")
    func vlan() throws {
        var scene = try FirewallScene()
        scene.prevResult = try FirewallScene.result(
            #""ips":[\#(FirewallScene.ipv4)]"#, links: FirewallScene.links + #",{"name":"cni0.7"},{"name":"cni00.8"}"#)
        try scene.add(Self.isolated)
        #expect(scene.nftables.state.admitted[FirewallScene.owner]?.policy == .isolated("cni0.7"))
        #expect(scene.isPortIsolated == true)
    }

    @Test("prevResult is required", arguments: ["{}", Self.sameBridge, Self.isolated])
    func withoutPrevResult(keys: String) throws {
        var scene = try FirewallScene()
        scene.prevResult = nil
        for command in [{ _ = try scene.plugin.add($0) }, scene.plugin.check] {
            let request = try scene.request(keys)
            #expect(failure { try command(request) }?.hasPrefix("prevResult: expected") == true)
        }
        #expect(scene.log.calls.isEmpty)
    }

    @Test(
        "A policy needs a bridge, the first link of the host", arguments: [Self.sameBridge, Self.isolated],
        [
            "", #"{"name":"eth0","sandbox":"/x"}"#, #"{"name":"veth1"},{"name":"cni0"}"#, #"{"name":"gone"}"#,
        ])
    func withoutBridge(keys: String, links: String) throws {
        var scene = try FirewallScene()
        scene.prevResult = try FirewallScene.result(links: links)
        let before = scene.runtime.kernel.snapshot
        let message = failure { try scene.add(keys) }
        #expect(message?.hasPrefix("prevResult.interfaces: expected a bridge of the host first") == true)
        #expect(scene.nftables.state.admitted.isEmpty && scene.runtime.kernel.snapshot == before)
        // Without a policy it does not matter.
        try scene.add()
    }

    @Test("To be isolated, the container has to be at a port of the bridge")
    func withoutPort() throws {
        var scene = try FirewallScene()
        let whole = scene.prevResult
        scene.prevResult = try FirewallScene.result(links: #"{"name":"cni0"},{"name":"eth0","sandbox":"/x"}"#)
        #expect(failure { try scene.add(Self.isolated) }?.contains("expected veth1, the port of cni0") == true)
        try scene.add(Self.sameBridge)
        scene.prevResult = whole
        scene.runtime.host.makeLink(name: "cni1", kind: "bridge")
        scene.prevResult?.interfaces[0].name = "cni1"
        #expect(failure { try scene.add(Self.isolated) } == "the other end of eth0 is no port of cni1")
        scene.runtime.host.remove(scene.port.index)
        scene.prevResult = whole
        #expect(failure { try scene.add(Self.isolated) }?.contains("eth0 in the sandbox") == true)
    }

    // MARK: Backends

    @Test("The backend is the one that is named, else what suits the host")
    func backends() throws {
        let scene = try FirewallScene()
        for keys in [#"{"backend":"nftables"}"#, #"{"backend":"iptables"}"#, #"{"backend":""}"#, "{}"] {
            try scene.add(keys)
        }
        #expect(scene.filters.chosen == [.nftables, .iptables, nil, nil])
    }

    // MARK: Failures

    @Test("Whatever step of ADD fails, everything is as it was")
    func rollback() throws {
        let count = try {
            let scene = try FirewallScene()
            try scene.add(Self.isolated)
            return scene.log.calls.count
        }()
        #expect(count >= 5)
        for number in 1...count {
            let scene = try FirewallScene()
            let before = scene.runtime.kernel.snapshot
            scene.log.fail(call: number, .notPermitted)
            #expect(failure { try scene.add(Self.isolated) } != nil, "call \(number)")
            #expect(scene.runtime.kernel.snapshot == before, "call \(number)")
            #expect(scene.nftables.state == FakePacketFilter.State())
        }
    }

    @Test("A port that was isolated before stays so when ADD fails")
    func wasIsolated() throws {
        let scene = try FirewallScene()
        try scene.runtime.host.change(scene.port, LinkChange(port: BridgePortChange(isIsolated: true)))
        scene.log.fail("admit", .notPermitted)
        #expect(failure { try scene.add(Self.isolated) } != nil)
        #expect(scene.isPortIsolated == true)
    }

    // MARK: CHECK

    @Test("CHECK finds what is missing or not as it should be")
    func check() throws {
        let scene = try FirewallScene()
        #expect(failure { try scene.plugin.check(scene.request()) } != nil)
        try scene.add(Self.isolated)
        try scene.plugin.check(scene.request(Self.isolated))
        #expect(failure { try scene.plugin.check(scene.request(Self.sameBridge)) } != nil)
        try scene.runtime.host.change(scene.port, LinkChange(port: BridgePortChange(isIsolated: false)))
        #expect(
            failure { try scene.plugin.check(scene.request(Self.isolated)) }
                == "veth1 is not isolated from the other ports of its bridge")
        scene.log.clear()
        scene.nftables.state = FakePacketFilter.State()
        #expect(failure { try scene.plugin.check(scene.request(Self.sameBridge)) } != nil)
    }
}
