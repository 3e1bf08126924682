import CNI
import CNIPlugin
import InterfaceSetup
import InterfaceTestSupport
import Netlink
import NetworkAddress
import Testing

@testable import bridge

@Suite("BridgePlugin, CHECK")
struct BridgeCheckTests {
    private let scene: BridgeScene
    private let result: AttachmentResult
    private static let members =
        #""isDefaultGateway":true,"hairpinMode":true,"portIsolation":true,"vlan":100,"preserveDefaultVlan":false"#

    init() throws {
        scene = try BridgeScene(ipam: BridgeScene.dualStack)
        result = try scene.add(Self.members)
    }

    private func check(_ members: String = members, version: String = "1.1.0", result: AttachmentResult? = nil) throws {
        try scene.plugin.check(
            scene.runtime.request(BridgeScene.json(members), version: version, prevResult: result ?? self.result))
    }

    private var host: FakeNetworkStack { scene.host }
    private var container: FakeNetworkStack { scene.container }
    private var port: String { scene.hostLink() }

    @Test("what ADD made is as it should be, and CHECK changes nothing", arguments: ["0.4.0", "1.0.0", "1.1.0"])
    func content(version: String) throws {
        let before = scene.runtime.kernel.snapshot
        scene.programs.clear()
        try check(version: version)
        #expect(scene.programs.commands == ["CHECK"])
        #expect(scene.runtime.kernel.snapshot == before)
    }

    @Test("without prevResult there is nothing to compare with")
    func noResult() throws {
        let request = try scene.runtime.request(BridgeScene.withIPAM)
        #expect(failure { try scene.plugin.check(request) } == "prevResult: expected the result of ADD, found nothing")
        #expect(code { try scene.plugin.check(request) } == 7)
    }

    @Test("a result without the container's interface is refused")
    func otherResult() throws {
        var other = result
        other.interfaces[2].name = "eth9"
        #expect(
            failure { try check(result: other) } == "prevResult.interfaces: expected eth0 with a sandbox, found none")
    }

    @Test("what IPAM finds wrong is told")
    func ipam() throws {
        scene.programs.answers["CHECK"] = .fails(status: 1, #"{"code":3,"msg":"no lease"}"#)
        #expect(failure { try check() } == "no lease")
        #expect(code { try check() } == 3)
    }

    /// One promise broken, and what CHECK says of it.
    struct Broken: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let message: @Sendable (BridgeScene) -> String
        let breaking: @Sendable (BridgeScene) -> Void

        init(
            _ name: String, _ message: @escaping @Sendable (BridgeScene) -> String,
            _ breaking: @escaping @Sendable (BridgeScene) -> Void
        ) {
            testDescription = name
            self.message = message
            self.breaking = breaking
        }
    }

    static let broken: [Broken] = [
        Broken("the bridge is gone", { _ in "the bridge cni0 is gone" }) { scene in
            scene.host["cni0"]?.name = "other"
        },
        Broken("the bridge is down", { _ in "the bridge cni0 is down" }) { $0.host["cni0"]?.isUp = false },
        Broken("the bridge is another kind", { _ in "cni0 is no bridge but dummy" }) {
            $0.host["cni0"]?.kind = "dummy"
        },
        Broken(
            "the bridge has another MAC",
            { _ in "cni0 has the hardware address 02:00:00:00:00:99, the result of ADD says" }
        ) {
            $0.host["cni0"]?.mac = MACAddress("02:00:00:00:00:99")
        },
        Broken("the bridge mixes VLANs", { _ in "cni0 does not keep VLANs apart" }) {
            $0.host["cni0"]?.bridge = BridgeSettings()
        },
        Broken("the container's interface is gone", { _ in "eth0 is not in the sandbox /run/netns/one" }) {
            $0.container["eth0"]?.name = "eth5"
        },
        Broken("the container's interface is down", { _ in "eth0 in the sandbox is down" }) {
            $0.container["eth0"]?.isUp = false
        },
        Broken("the container's interface is another kind", { _ in "eth0 is no veth but macvlan" }) {
            $0.container["eth0"]?.kind = "macvlan"
        },
        Broken(
            "the container's interface has another MAC",
            { _ in "eth0 has the hardware address 02:00:00:00:00:99, the result of ADD says" }
        ) {
            $0.container["eth0"]?.mac = MACAddress("02:00:00:00:00:99")
        },
        Broken(
            "the container's interface has another MTU", { _ in "eth0 has the MTU 1300, the result of ADD says 1500" }
        ) {
            $0.container["eth0"]?.mtu = 1300
        },
        Broken("an address is missing", { _ in "eth0 in the sandbox lacks the address 10.1.0.5/16; it has none" }) {
            $0.container.removeAddresses(of: "eth0")
        },
        Broken("a route is missing", { _ in "the sandbox lacks the route 192.168.0.0/16 via 10.1.0.1" }) {
            $0.container.removeRoutes()
        },
        Broken("the peer is another link", { _ in "the other end of eth0 is not on the host" }) {
            $0.container["eth0"]?.tiedTo = 1
        },
        Broken("the peer is gone", { _ in "the other end of eth0 is not on the host" }) {
            $0.container["eth0"]?.tiedTo = nil
        },
        Broken("the port is down", { "\($0.hostLink()), the other end of eth0, is down" }) { scene in
            scene.host[scene.hostLink()]?.isUp = false
        },
        Broken("the port is another bridge's", { "\($0.hostLink()), the other end of eth0, is no port of cni0" }) {
            scene in
            let other = scene.host.makeLink(name: "br9", kind: "bridge", isUp: true)
            scene.host[scene.hostLink()]?.master = other.index
        },
        Broken("the port is nobody's", { "\($0.hostLink()), the other end of eth0, is no port of cni0" }) { scene in
            scene.host[scene.hostLink()]?.master = nil
            scene.host[scene.hostLink()]?.port = nil
        },
        Broken("hairpin mode is off", { "\($0.hostLink()) has hairpin mode off, the network wants the opposite" }) {
            scene in
            scene.host[scene.hostLink()]?.port?.isHairpin = false
        },
        Broken("the port is not isolated", { "\($0.hostLink()) is not isolated, the network wants the opposite" }) {
            scene in
            scene.host[scene.hostLink()]?.port?.isIsolated = false
        },
        Broken("the port has another MTU", { "\($0.hostLink()) has the MTU 1300, the result of ADD says 1500" }) {
            scene in
            scene.host[scene.hostLink()]?.mtu = 1300
        },
        Broken("the port has no VLAN", { "\($0.hostLink()) is not in the VLANs that the network wants; it is in none" })
        { scene in
            scene.host.setVLANs([], ofPort: scene.hostLink())
        },
        Broken(
            "the port is in the default VLAN too",
            { "\($0.hostLink()) is not in the VLANs that the network wants; it is in 1, 100" }
        ) { scene in
            scene.host.setVLANs(
                [BridgeVLAN(1...1, isUntagged: true), BridgeVLAN(100...100, isPortDefault: true, isUntagged: true)],
                ofPort: scene.hostLink())
        },
        Broken("the gateway's link is gone", { _ in "cni0.100, which has the gateway's address, is gone" }) {
            $0.host["cni0.100"]?.name = "x"
        },
        Broken("the gateway's link is down", { _ in "cni0.100, which has the gateway's address, is down" }) {
            $0.host["cni0.100"]?.isUp = false
        },
        Broken("the gateway's address is missing", { _ in "cni0.100 lacks the gateway's address 10.1.0.1" }) {
            $0.host.removeAddresses(of: "cni0.100")
        },
    ]

    @Test("a broken promise is named", arguments: broken)
    func names(_ broken: Broken) throws {
        broken.breaking(scene)
        let message = try #require(failure { try check() })
        #expect(message.hasPrefix(broken.message(scene)), "\(message)")
        #expect(code { try check() } == 100)
    }

    @Test("a route with another MTU or metric is not the route")
    func routes() throws {
        let routes = container.state.routes
        let detailed = try #require(routes.firstIndex { $0.mtu != nil })
        for change in [{ $0.mtu = 1200 }, { $0.priority = 9 }] as [(inout Route) -> Void] {
            container.removeRoutes()
            for (position, route) in routes.enumerated() {
                var route = route
                if position == detailed { change(&route) }
                container.addRoute(route)
            }
            #expect(
                failure { try check() } == "the sandbox lacks the route fd00:9::/64 via fd00:1::1 mtu 1300 metric 7")
        }
    }

    @Test("a missing IPv6 gateway address is seen beside an IPv4 one that is there")
    func gatewayIPv6() throws {
        host.removeAddresses(of: "cni0.100")
        host.addAddress("10.1.0.1/16", to: "cni0.100")
        #expect(failure { try check() } == "cni0.100 lacks the gateway's address fd00:1::1")
    }

    @Test("gateways of other interfaces in the result are not this network's")
    func otherGateways() throws {
        var other = result
        other.interfaces.append(.init(name: "net1", sandbox: scene.runtime.sandbox.path))
        other.ips.append(
            .init(
                interface: other.interfaces.count - 1, address: try #require(IPPrefix("10.7.0.5/16")),
                gateway: IPAddress("10.7.0.1")))
        try check(result: other)
    }

    @Test("promiscuity is checked where the network wants it")
    func promiscuity() throws {
        let scene = try BridgeScene()
        let result = try scene.add(#""promiscMode":true"#)
        scene.host["cni0"]?.isPromiscuous = false
        let request = try scene.runtime.request(BridgeScene.json(#""promiscMode":true"#), prevResult: result)
        #expect(failure { try scene.plugin.check(request) } == "cni0 is not promiscuous, as promiscMode wants it")
    }

    @Test("an interface that is disabled may be down, and no address is looked for")
    func disabled() throws {
        let scene = try BridgeScene()
        let text = #"{"disableContainerInterface":true}"#
        let result = try scene.plugin.add(scene.runtime.request(text))
        try scene.plugin.check(scene.runtime.request(text, prevResult: result))
    }

    @Test("a container that the reference attached, on a bridge without ours, is checked by its peer")
    func reference() throws {
        host[port]?.name = "veth1a2b3c4d"
        var other = result
        other.interfaces[1].name = "veth1a2b3c4d"
        try check(result: other)
    }
}
