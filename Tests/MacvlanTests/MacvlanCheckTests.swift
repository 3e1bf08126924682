import CNI
import CNIPlugin
import InterfaceTestSupport
import Netlink
import NetworkAddress
import SystemPackage
import Testing

@testable import macvlan

@Suite("MacvlanPlugin, CHECK")
struct MacvlanCheckTests {
    private let scene: MacvlanScene
    private let result: AttachmentResult
    private static let members =
        #""mtu":1400,"bcqueuelen":5000,"hostShim":true,"runtimeConfig":{"mac":"02:00:00:00:00:03"}"#

    init() throws {
        scene = try MacvlanScene(ipam: MacvlanScene.dualStack)
        result = try scene.add(Self.members)
    }

    private func check(_ members: String = members, version: String = "1.1.0", result: AttachmentResult? = nil) throws {
        try scene.plugin.check(scene.request(members, version: version, prevResult: result ?? self.result))
    }

    @Test("what ADD made is as it should be, and CHECK changes nothing", arguments: ["0.4.0", "1.0.0", "1.1.0"])
    func content(version: String) throws {
        let before = scene.runtime.kernel.snapshot
        scene.programs.clear()
        try check(version: version)
        #expect(scene.programs.commands == ["CHECK"] && scene.programs.calls.map(\.containerID) == ["c1"])
        #expect(scene.runtime.kernel.snapshot == before)
    }

    @Test("without prevResult there is nothing to compare with")
    func noResult() throws {
        let request = try scene.request()
        #expect(failure { try scene.plugin.check(request) } == "prevResult: expected the result of ADD, found nothing")
        #expect(code { try scene.plugin.check(request) } == 7)
    }

    @Test("a result without the container's interface is refused")
    func otherResult() throws {
        var other = result
        other.interfaces[0].name = "eth9"
        #expect(
            failure { try check(result: other) } == "prevResult.interfaces: expected net1 with a sandbox, found none")
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
        let message: @Sendable (MacvlanScene) -> String
        let breaking: @Sendable (MacvlanScene) -> Void

        init(
            _ name: String, _ message: @escaping @Sendable (MacvlanScene) -> String,
            _ breaking: @escaping @Sendable (MacvlanScene) -> Void
        ) {
            testDescription = name
            self.message = message
            self.breaking = breaking
        }
    }

    static let broken: [Broken] = [
        Broken("the link is gone", { _ in "net1 is not in the sandbox /run/netns/one" }) {
            $0.container["net1"]?.name = "net5"
        },
        Broken("the link is another kind", { _ in "net1 is no macvlan but veth" }) {
            $0.container["net1"]?.kind = "veth"
        },
        Broken("the link is a device", { _ in "net1 is no macvlan but a device" }) {
            $0.container["net1"]?.kind = nil
        },
        Broken("the link is on another parent", { _ in "net1 is not on eth0, as the network wants it" }) {
            $0.container["net1"]?.tiedTo = 77
        },
        Broken("the link is on a link of the sandbox", { _ in "net1 is not on eth0, as the network wants it" }) {
            $0.container["net1"]?.isTiedElsewhere = false
        },
        Broken("the link has another mode", { _ in "net1 has mode vepa, the network wants bridge" }) {
            $0.container["net1"]?.macvlan?.mode = .vepa
        },
        Broken("the link has a mode that nobody knows", { _ in "net1 has mode unknown, the network wants bridge" }) {
            $0.container["net1"]?.macvlan?.mode = nil
        },
        Broken(
            "the link has another MAC",
            { _ in "net1 has the hardware address 02:00:00:00:00:99, the result of ADD says 02:00:00:00:00:03" }
        ) {
            $0.container["net1"]?.mac = MACAddress("02:00:00:00:00:99")
        },
        Broken("the link has another MTU", { _ in "net1 has the MTU 1300, the result of ADD says 1400" }) {
            $0.container["net1"]?.mtu = 1300
        },
        Broken("the link has another bcqueuelen", { _ in "net1 has the bcqueuelen 1000, the network wants 5000" }) {
            $0.container["net1"]?.macvlan?.broadcastQueueLength = 1000
        },
        Broken("the link is down", { _ in "net1 in the sandbox is down" }) { $0.container["net1"]?.isUp = false },
        Broken(
            "an address is missing", { _ in "net1 in the sandbox lacks the address 192.0.2.5/24; it has none" }
        ) {
            $0.container.removeAddresses(of: "net1")
        },
        Broken(
            "the IPv6 address is missing",
            { _ in "net1 in the sandbox lacks the address 2001:db8::5/64; it has 192.0.2.5/24" }
        ) {
            $0.container.removeAddresses(of: "net1")
            $0.container.addAddress("192.0.2.5/24", to: "net1")
        },
        Broken("a route is missing", { _ in "the sandbox lacks the route 0.0.0.0/0 via 192.0.2.1" }) {
            $0.container.removeRoutes()
        },
        Broken("the shim is gone", { "\($0.shim()), the host's link on the network, is gone" }) {
            $0.host[$0.shim()]?.name = "x"
        },
        Broken("the shim is down", { "\($0.shim()), the host's link on the network, is down" }) {
            $0.host[$0.shim()]?.isUp = false
        },
        Broken("the shim is another kind", { "\($0.shim()) is no host shim on eth0" }) {
            $0.host[$0.shim()]?.kind = "veth"
        },
        Broken("the shim is somebody else's", { "\($0.shim()) is no host shim on eth0" }) {
            $0.host[$0.shim()]?.alias = "mine"
        },
        Broken("the shim is on another parent", { "\($0.shim()) is no host shim on eth0" }) {
            $0.host[$0.shim()]?.tiedTo = 77
        },
        Broken("the shim is on a link of another namespace", { "\($0.shim()) is no host shim on eth0" }) {
            $0.host[$0.shim()]?.isTiedElsewhere = true
        },
        Broken("the shim has no address", { "\($0.shim()) has no IPv4 address" }) {
            $0.host.removeAddresses(of: $0.shim())
        },
        Broken("the shim has a link-local address only", { "\($0.shim()) has no IPv6 address" }) {
            $0.host.removeAddresses(of: $0.shim())
            for address in ["192.0.2.200/32", "fe80::1/64"] { $0.host.addAddress(address, to: $0.shim()) }
        },
        Broken("the host has no routes", { "the host lacks the route to 192.0.2.5 by \($0.shim())" }) {
            $0.host.removeRoutes()
        },
        Broken("the host lacks the IPv6 route", { "the host lacks the route to 2001:db8::5 by \($0.shim())" }) {
            let routes = $0.host.state.routes.filter { $0.destination.family == .ipv4 }
            $0.host.removeRoutes()
            for route in routes { $0.host.addRoute(route) }
        },
        Broken(
            "the host's route stands for another attachment",
            { "the host lacks the route to 192.0.2.5 by \($0.shim())" }
        ) {
            let routes = $0.host.state.routes
            $0.host.removeRoutes()
            for var route in routes {
                route.priority = (route.priority ?? 0) ^ 1
                $0.host.addRoute(route)
            }
        },
        Broken("the host's route leaves by another link", { "the host lacks the route to 192.0.2.5 by \($0.shim())" }) {
            let routes = $0.host.state.routes
            guard let uplink = $0.host["eth0"]?.index else { return }
            $0.host.removeRoutes()
            for var route in routes {
                route.nextHops = [Route.NextHop(link: uplink)]
                $0.host.addRoute(route)
            }
        },
    ]

    @Test("a broken promise is named", arguments: broken)
    func names(_ broken: Broken) throws {
        broken.breaking(scene)
        #expect(failure { try check() } == broken.message(scene))
        #expect(code { try check() } == 100)
    }

    @Test("the master that is gone is an error, as for ADD")
    func masterGone() throws {
        scene.host["eth0"]?.name = "x"
        #expect(
            failure { try check() }
                == #"master: expected the name of a link of the host, found "eth0", which is not there"#)
    }

    @Test("an MTU that the result of an older version does not tell is at most the configuration's")
    func mtuOfConfiguration() throws {
        scene.container["net1"]?.mtu = 1401
        #expect(failure { try check(version: "1.0.0") } == "net1 has the MTU 1401, the network wants at most 1400")
        scene.container["net1"]?.mtu = 1300
        try check(version: "1.0.0")
    }

    @Test("what a plugin after it changed is in the result, and is as good")
    func changedLater() throws {
        scene.container["net1"]?.mtu = 1300
        scene.container["net1"]?.mac = MACAddress("02:00:00:00:00:99")
        var changed = result
        changed.interfaces[0].mtu = 1300
        changed.interfaces[0].mac = "02:00:00:00:00:99"
        try check(result: changed)
    }

    @Test("a hardware address that nobody asked for is the result's")
    func macOfResult() throws {
        scene.container["net1"]?.mac = MACAddress("02:00:00:00:00:99")
        #expect(
            failure { try check(#""hostShim":true"#) }
                == "net1 has the hardware address 02:00:00:00:00:99, the result of ADD says 02:00:00:00:00:03")
    }

    @Test("an older kernel does not tell the bcqueuelen, and where none is wanted any will do")
    func unknownQueueLength() throws {
        scene.container["net1"]?.macvlan?.broadcastQueueLength = nil
        try check()
        scene.container["net1"]?.macvlan?.broadcastQueueLength = 1000
        try check(#""mtu":1400"#)
    }

    @Test("an address that somebody else on the network has meanwhile is told")
    func duplicate() throws {
        let index = try #require(scene.container["net1"]?.index)
        scene.container.removeAddresses(of: "net1")
        for address in ["192.0.2.5/24", "2001:db8::5/64"] { scene.container.addAddress(address, to: "net1") }
        let added = try #require(scene.container.state.addresses[index])
        #expect(added.count == 2)
        try check()
        scene.container.removeAddresses(of: "net1")
        scene.container.foreignAddresses = [try #require(IPAddress("2001:db8::5"))]
        let link = try #require(scene.container["net1"])
        try scene.container.add(InterfaceAddress(added[0].prefix), to: link)
        try scene.container.add(InterfaceAddress(added[1].prefix), to: link)
        _ = try scene.container.wait(milliseconds: 0) { false }
        #expect(failure { try check() } == "another machine on the network has the address 2001:db8::5")
    }

    @Test("without hostShim nobody looks for a shim")
    func withoutShim() throws {
        let index = try #require(scene.host[scene.shim()]?.index)
        scene.host.remove(index)
        try check(#""mtu":1400"#)
    }

    @Test("in a chain, the master is the link that the plugins before it made")
    func chained() throws {
        let scene = try MacvlanScene()
        scene.host.makeLink(name: "ens3", kind: nil, isUp: true)
        let before = AttachmentResult(interfaces: [.init(name: "ens3")])
        let members = #""master":"","hostShim":true"#
        var result = try scene.add(members, prevResult: before)
        // What the plugins after it made does not count.
        result.interfaces.append(.init(name: "eth0"))
        try scene.plugin.check(scene.request(members, prevResult: result))
        result.interfaces[0].name = "eth0"
        #expect(
            failure { try scene.plugin.check(scene.request(members, prevResult: result)) }
                == "net1 is not on eth0, as the network wants it")
    }

    @Test("addresses of other interfaces in the result are not this one's")
    func otherAddresses() throws {
        var other = result
        other.interfaces.append(.init(name: "net2", sandbox: scene.runtime.sandbox.path))
        other.ips.append(
            .init(interface: other.interfaces.count - 1, address: try #require(IPPrefix("10.7.0.5/16"))))
        try check(result: other)
    }

    @Test("addresses that plugins before it told of for no interface are not this one's, as on ADD")
    func addressesOfNoInterface() throws {
        let scene = try MacvlanScene()
        let before = AttachmentResult(
            interfaces: [.init(name: "ens3")], ips: [.init(address: try #require(IPPrefix("10.7.0.5/16")))])
        let members = #""hostShim":true"#
        let result = try scene.add(members, prevResult: before)
        #expect(result.ips.map(\.interface) == [nil, 1])
        try scene.plugin.check(scene.request(members, prevResult: result))
    }

    @Test("with linkInContainer the link is on one of the same namespace")
    func linkInContainer() throws {
        let scene = try MacvlanScene()
        scene.container.makeLink(name: "eth0", kind: "veth", isUp: true)
        let members = #""linkInContainer":true"#
        let result = try scene.add(members)
        try scene.plugin.check(scene.request(members, prevResult: result))
        scene.container["net1"]?.isTiedElsewhere = true
        #expect(
            failure { try scene.plugin.check(scene.request(members, prevResult: result)) }
                == "net1 is not on eth0, as the network wants it")
    }
}
