import CNI
import InterfaceTestSupport
import Netlink
import NetworkAddress
import PacketFilter
import PacketFilterSetup
import SystemPackage
import Testing

@testable import bridge

@Suite("BridgePlugin, masquerading and spoof check")
struct BridgeProtectionTests {
    private static let owner = RuleOwner(network: "net", containerID: "c1", interfaceName: "eth0")

    @Test("ipMasq masquerades what leaves the container's network, whichever link that is on")
    func masquerading() throws {
        let scene = try BridgeScene(ipam: BridgeScene.dualStack)
        try scene.add(#""ipMasq":true,"ipMasqBackend":"nftables","isGateway":true"#)
        let found = try #require(scene.filters.state.masquerading[Self.owner])
        #expect(found.addresses.map(\.description) == ["10.1.0.5/16", "fd00:1::5/64"])
        #expect(found.link == "cni0")
        #expect(scene.filters.chosen == [.nftables])

        let tagged = try BridgeScene()
        try tagged.add(#""ipMasq":true,"isGateway":true,"vlan":100"#)
        #expect(tagged.filters.state.masquerading[Self.owner]?.link == "cni0.100")
        #expect(tagged.filters.chosen == [nil])
        // Without a gateway of ours the way out is the bridge itself.
        let plain = try BridgeScene()
        try plain.add(#""ipMasq":true,"ipMasqBackend":"iptables","vlan":100"#)
        #expect(plain.filters.state.masquerading[Self.owner]?.link == "cni0")
    }

    @Test("nothing is asked of the packet filter where nothing is wanted")
    func nothing() throws {
        let scene = try BridgeScene()
        try scene.add(#""isGateway":true"#)
        #expect(scene.filters.state == FakePacketFilter.State() && scene.filters.chosen.isEmpty)
    }

    @Test("macspoofchk pins the hardware address, ipspoofchk the addresses too")
    func pinning() throws {
        let scene = try BridgeScene(ipam: BridgeScene.dualStack)
        try scene.add(#""macspoofchk":true"#)
        let pinned = try #require(scene.filters.state.pinned[Self.owner])
        #expect(pinned.link == scene.hostLink() && pinned.mac == scene.container["eth0"]?.mac)
        #expect(pinned.addresses == nil)
        let strict = try BridgeScene(ipam: BridgeScene.dualStack)
        try strict.add(#""ipspoofchk":true"#)
        #expect(
            strict.filters.state.pinned[Self.owner]?.addresses?.map(\.description) == ["10.1.0.5", "fd00:1::5"])
    }

    @Test("ipspoofchk needs an IPAM plugin")
    func pinningWithoutAddresses() throws {
        let scene = try BridgeScene()
        let request = try scene.runtime.request(#"{"ipspoofchk":true}"#)
        #expect(failure { try scene.plugin.add(request) }?.hasPrefix("ipspoofchk: expected an IPAM plugin") == true)
        #expect(scene.log.calls.isEmpty)
    }

    @Test(
        "DEL takes both away, with and without a sandbox, whatever the configuration says by then",
        arguments: [true, false])
    func deletion(hasSandbox: Bool) throws {
        let scene = try BridgeScene()
        try scene.add(#""ipMasq":true,"ipspoofchk":true"#)
        let request = try scene.runtime.request(BridgeScene.withIPAM)
        try scene.plugin.delete(scene.runtime.detaching(request, hasSandbox: hasSandbox))
        #expect(scene.filters.state == FakePacketFilter.State())
    }

    @Test("DEL goes on when the packet filter fails, and says so")
    func failingDeletion() throws {
        let scene = try BridgeScene()
        try scene.add(#""ipMasq":true,"macspoofchk":true"#)
        scene.log.fail("packet filter", .notPermitted)
        let request = try scene.runtime.request(BridgeScene.withIPAM)
        let message = try #require(failure { try scene.plugin.delete(scene.runtime.detaching(request)) })
        #expect(message.contains("cannot stop masquerading") && message.contains("cannot unpin"))
        #expect(scene.host[scene.hostLink()] == nil && scene.programs.leases.isEmpty)
    }

    @Test("CHECK misses either", arguments: [#""ipMasq":true"#, #""macspoofchk":true"#])
    func checking(members: String) throws {
        let scene = try BridgeScene()
        let result = try scene.add(members)
        let request = try scene.runtime.request(BridgeScene.json(members), prevResult: result)
        try scene.plugin.check(request)
        scene.filters.state = FakePacketFilter.State()
        #expect(failure { try scene.plugin.check(request) }?.hasPrefix("packet filter: found nil") == true)
    }

    @Test("GC takes away what belongs to attachments of this network that do not live")
    func garbage() throws {
        let scene = try BridgeScene()
        for (number, network) in [(1, "net"), (2, "net"), (3, "other")] {
            let sandbox = try scene.runtime.kernel.makeSandbox("/run/netns/\(number)").sandbox
            _ = try scene.plugin.add(
                scene.runtime.request(
                    BridgeScene.json(#""ipMasq":true,"macspoofchk":true"#), network: network,
                    containerID: "c\(number)", sandbox: sandbox))
        }
        let living = Attachment(network: "net", containerID: "c2", interfaceName: "eth0")
        try scene.plugin.collectGarbage(scene.runtime.networkRequest(BridgeScene.withIPAM), living: [living])
        #expect(Set(scene.filters.state.masquerading.keys.map(\.containerID)) == ["c2", "c3"])
        #expect(Set(scene.filters.state.pinned.keys.map(\.containerID)) == ["c2", "c3"])
    }

    @Test("STATUS is 50 where the kernel lacks what the network wants")
    func status() throws {
        let scene = try BridgeScene()
        scene.filters.isSupported = false
        try scene.plugin.status(scene.runtime.networkRequest(BridgeScene.withIPAM))
        for members in [#""ipMasq":true"#, #""macspoofchk":true"#] {
            #expect(code { try scene.plugin.status(scene.runtime.networkRequest(BridgeScene.json(members))) } == 50)
        }
    }
}
