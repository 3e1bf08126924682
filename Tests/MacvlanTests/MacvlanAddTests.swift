import CNI
import CNIPlugin
import InterfaceTestSupport
import JSON
import LinuxSystem
import Netlink
import NetworkAddress
import SystemPackage
import Testing

@testable import macvlan

@Suite("MacvlanPlugin, ADD")
struct MacvlanAddTests {
    @Test("a layer-2 attachment is one link on the master, in the sandbox, up, without addresses")
    func layer2() throws {
        let scene = try MacvlanScene()
        let request = try scene.runtime.request(#"{"master":"eth0"}"#, interfaceName: "net1")
        let result = try scene.plugin.add(request)
        let master = try #require(scene.host["eth0"])
        let link = try #require(scene.container["net1"])
        #expect(link.kind == "macvlan" && link.isUp && link.tiedTo == master.index && link.isTiedElsewhere)
        #expect(link.macvlan == MacvlanSettings(mode: .bridge) && link.mtu == 1500)
        #expect(link.alias == "cni:net/c1/net1")
        let mac = try #require(link.mac)
        #expect(
            result
                == AttachmentResult(interfaces: [
                    .init(name: "net1", mac: mac.description, mtu: 1500, sandbox: scene.runtime.sandbox.path)
                ]))
        #expect(scene.programs.calls.isEmpty)
        #expect(scene.host["net1"] == nil && scene.host["eth0"] == master)
        // Nobody is told of addresses that are not there, and routers of the network are heeded.
        #expect(scene.log.position("write") == nil && scene.log.position("MAC") == nil)
    }

    @Test("a master in the container: the link is made there, and the host's link of that name is left alone")
    func linkInContainer() throws {
        let scene = try MacvlanScene()
        let master = scene.container.makeLink(name: "eth0", kind: "veth", mtu: 1400, isUp: true)
        let result = try scene.add(#""linkInContainer":true"#)
        let link = try #require(scene.container["net1"])
        #expect(link.kind == "macvlan" && link.tiedTo == master.index && !link.isTiedElsewhere && link.mtu == 1400)
        #expect(link.isUp && scene.container.addresses("net1") == ["192.0.2.5/24"])
        #expect(result.interfaces.map(\.name) == ["net1"])
        #expect(scene.log.position("host: add link") == nil)
    }

    @Test("the mode is the one that is configured", arguments: MacvlanSettings.Mode.allCases)
    func modes(_ mode: MacvlanSettings.Mode) throws {
        let scene = try MacvlanScene()
        try scene.add(#""mode":"\#(mode.rawValue)","bcqueuelen":5000"#)
        #expect(scene.container["net1"]?.macvlan == MacvlanSettings(mode: mode, broadcastQueueLength: 5000))
    }

    @Test("an older kernel, which does not say what it made, is asked", arguments: ["", #""hostShim":true"#])
    func oldKernel(members: String) throws {
        let scene = try MacvlanScene(echoesLinks: false)
        #expect(try scene.add(members).interfaces.first?.name == "net1")
    }

    @Test("a kernel without IPv6 does for IPv4", arguments: ["", #""hostShim":true"#, #""disableIPv6":true"#])
    func withoutIPv6(members: String) throws {
        let scene = try MacvlanScene(shim: MacvlanScene.hostOneAddress, hasIPv6: false)
        try scene.add(members)
        #expect(scene.container.addresses("net1") == ["192.0.2.5/24"])
    }

    // MARK: MTU

    @Test(
        "the MTU is the master's, or what is asked for up to that",
        arguments: [
            ("", 9000, 9000), (#""mtu":0"#, 1450, 1450), (#""mtu":1400"#, 1500, 1400), (#""mtu":1500"#, 1500, 1500),
        ] as [(String, UInt32, UInt32)])
    func mtu(members: String, master: UInt32, expected: UInt32) throws {
        let scene = try MacvlanScene()
        scene.host["eth0"]?.mtu = master
        let result = try scene.add(members)
        #expect(scene.container["net1"]?.mtu == expected && result.interfaces.first?.mtu == expected)
    }

    /// ADD fails, with that text, before it has done anything that would have to be undone.
    private func refuses(
        _ scene: MacvlanScene, _ members: String, _ message: String, code: Int = 7,
        prevResult: AttachmentResult? = nil, location: SourceLocation = #_sourceLocation
    ) throws {
        let before = scene.runtime.kernel.snapshot
        let request = try scene.request(members, prevResult: prevResult)
        #expect(failure { try scene.plugin.add(request) } == message, sourceLocation: location)
        #expect(InterfaceTestSupport.code { try scene.plugin.add(request) } == code, sourceLocation: location)
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.calls.isEmpty, sourceLocation: location)
        #expect(scene.log.position("add ") == nil, sourceLocation: location)
    }

    @Test("an MTU above the master's is refused before anything happens")
    func mtuTooLarge() throws {
        try refuses(MacvlanScene(), #""mtu":1501"#, "mtu: expected at most the 1500 of eth0, found 1501")
    }

    // MARK: Master

    @Test("without master it is the link of the default route with the lowest metric, IPv4 before IPv6")
    func defaultMaster() throws {
        let scene = try MacvlanScene()
        for (name, metric) in [("slow", 200), ("fast", 50), ("backup", 100)] as [(String, UInt32)] {
            let link = scene.host.makeLink(name: name, kind: nil, isUp: true)
            MacvlanScene.addDefaultRoute(scene.host, by: name, metric: metric)
            // No default route, whatever its metric.
            scene.host.addRoute(
                Route(
                    destination: try #require(IPPrefix("198.51.100.0/24")), nextHops: [.init(link: link.index)]))
        }
        scene.host.makeLink(name: "six", kind: nil, isUp: true)
        MacvlanScene.addDefaultRoute(scene.host, by: "six", .ipv6, metric: 1)
        try scene.add(#""master":"""#)
        #expect(scene.container["net1"]?.tiedTo == scene.host["fast"]?.index)
    }

    @Test("a default route without metric is the first one")
    func noMetric() throws {
        let scene = try MacvlanScene()
        scene.host.makeLink(name: "other", kind: nil, isUp: true)
        MacvlanScene.addDefaultRoute(scene.host, by: "other", metric: 5)
        MacvlanScene.addDefaultRoute(scene.host, by: "eth0")
        try scene.add(#""master":"""#)
        #expect(scene.container["net1"]?.tiedTo == scene.host["eth0"]?.index)
    }

    @Test("where IPv4 has no default route, that of IPv6 counts")
    func defaultMasterIPv6() throws {
        let scene = try MacvlanScene()
        scene.host.makeLink(name: "six", kind: nil, isUp: true)
        MacvlanScene.addDefaultRoute(scene.host, by: "six", .ipv6, metric: 1024)
        try scene.add(#""master":"""#)
        #expect(scene.container["net1"]?.tiedTo == scene.host["six"]?.index)
    }

    @Test("with linkInContainer the default route is the container's")
    func defaultMasterInContainer() throws {
        let scene = try MacvlanScene()
        scene.container.makeLink(name: "eth0", kind: "veth", isUp: true)
        MacvlanScene.addDefaultRoute(scene.host, by: "eth0")
        MacvlanScene.addDefaultRoute(scene.container, by: "eth0")
        try scene.add(#""master":"","linkInContainer":true"#)
        #expect(scene.container["net1"]?.tiedTo == scene.container["eth0"]?.index)
    }

    @Test("without master and default route there is one error, which says so")
    func noDefaultRoute() throws {
        try refuses(
            MacvlanScene(), #""master":"""#,
            "master: expected the name of a link, found none, and the host has no default route whose link could be it")
        let scene = try MacvlanScene()
        MacvlanScene.addDefaultRoute(scene.host, by: "eth0")
        try refuses(
            scene, #""master":"","linkInContainer":true"#,
            "master: expected the name of a link, found none, and the container has no default route whose link could be it"
        )
    }

    @Test("a master that is not there is named, with where it was looked for")
    func masterMissing() throws {
        try refuses(
            MacvlanScene(), #""master":"ens9""#,
            #"master: expected the name of a link of the host, found "ens9", which is not there"#)
        try refuses(
            MacvlanScene(), #""linkInContainer":true"#,
            #"master: expected the name of a link of the container, found "eth0", which is not there"#)
    }

    @Test("an interface name that is taken in the sandbox is refused before IPAM is asked")
    func nameTaken() throws {
        let scene = try MacvlanScene()
        scene.container.makeLink(name: "net1", kind: "macvlan")
        try refuses(scene, "", "net1 already exists in the sandbox /run/netns/one", code: 100)
    }

    /// ADD fails with that text when it makes the link, and takes back all that it did.
    private func fails(
        _ scene: MacvlanScene, _ members: String, _ message: String, code: Int = 100, version: String = "1.1.0",
        location: SourceLocation = #_sourceLocation
    ) throws {
        let before = scene.runtime.kernel.snapshot
        let leases = scene.programs.leases
        let request = try scene.request(members, version: version, containerID: "failing")
        #expect(failure { try scene.plugin.add(request) } == message, sourceLocation: location)
        #expect(InterfaceTestSupport.code { try scene.plugin.add(request) } == code, sourceLocation: location)
        #expect(scene.runtime.kernel.snapshot == before, sourceLocation: location)
        #expect(scene.programs.leases == leases, sourceLocation: location)
    }

    @Test("a master that is a port of a bridge is taken, by that bridge")
    func bridgePort() throws {
        let scene = try MacvlanScene()
        let bridge = scene.host.makeLink(name: "br0", kind: "bridge", isUp: true)
        scene.host.makeLink(name: "ens3", kind: nil, isUp: true, master: bridge.index)
        try fails(
            scene, #""master":"ens3""#,
            "master ens3 is taken: it is a port of br0: cannot add link net1: \(Errno.resourceBusy)")
    }

    @Test("a master that links of another kind are on is taken, by those")
    func otherKind() throws {
        let scene = try MacvlanScene()
        scene.log.fail("add link", .resourceBusy)
        try fails(
            scene, "",
            "master eth0 is taken: links of another kind, such as ipvlan, are on it: cannot add link net1: \(Errno.resourceBusy)"
        )
    }

    @Test("lo leads to no network")
    func loopback() throws {
        try fails(MacvlanScene(), #""master":"lo""#, "master: expected a link to a network, found lo", code: 7)
    }

    @Test("mode passthru on a master that has other macvlans, and another mode on one that is passed through")
    func passthruIsAlone() throws {
        let invalid = "cannot add link net1: \(Errno.invalidArgument)"
        let shared = try MacvlanScene()
        try shared.add()
        let second = try shared.runtime.kernel.makeSandbox("/run/netns/two")
        let passthru = try shared.request(#""mode":"passthru""#, containerID: "c2", sandbox: second.sandbox)
        #expect(
            failure { try shared.plugin.add(passthru) }
                == "master eth0 has other macvlan links, and mode passthru wants it alone: \(invalid)")
        #expect(shared.programs.leases == ["c1"] && second.stack["net1"] == nil)

        let alone = try MacvlanScene()
        try alone.add(#""mode":"passthru""#)
        let other = try alone.runtime.kernel.makeSandbox("/run/netns/two")
        let bridge = try alone.request(containerID: "c2", sandbox: other.sandbox)
        #expect(
            failure { try alone.plugin.add(bridge) }
                == "master eth0 takes no macvlan link: it is no Ethernet, or has one in mode passthru: \(invalid)")
        #expect(alone.programs.leases == ["c1"] && other.stack["net1"] == nil)
    }

    // MARK: Hardware address

    @Test("the hardware address is given at creation, in one message")
    func hardwareAddress() throws {
        let scene = try MacvlanScene()
        let request = try scene.runtime.request(
            #"{"master":"eth0"}"#, interfaceName: "net1", arguments: "MAC=02:00:00:00:00:03")
        let result = try scene.plugin.add(request)
        #expect(scene.container["net1"]?.mac == MACAddress("02:00:00:00:00:03"))
        #expect(result.interfaces.first?.mac == "02:00:00:00:00:03")
        #expect(scene.log.position("MAC") == nil)
    }

    @Test("in mode passthru, where the link is made with its master's address, a change sets another one")
    func hardwareAddressPassthru() throws {
        let scene = try MacvlanScene(ipam: MacvlanScene.oneAddress)
        let result = try scene.add(#""mode":"passthru""#, arguments: "MAC=02:00:00:00:00:03")
        #expect(scene.container["net1"]?.mac == MACAddress("02:00:00:00:00:03"))
        #expect(result.interfaces.first?.mac == "02:00:00:00:00:03")
        let changed = try #require(scene.log.position("sandbox: change link net1: MAC"))
        #expect(try #require(scene.log.position("sandbox: change link net1: up")) > changed)

        // Without IPAM, so that nothing is announced, which sets the address too.
        for members in ["", #","runtimeConfig":{"mac":"\#(try #require(scene.host["eth0"]?.mac))"}"#] {
            let kept = try MacvlanScene()
            let text = #"{"master":"eth0","mode":"passthru"\#(members)}"#
            let result = try kept.plugin.add(kept.runtime.request(text, interfaceName: "net1"))
            #expect(result.interfaces.first?.mac == kept.host["eth0"]?.mac?.description)
            #expect(kept.log.position("MAC") == nil)
        }
    }

    @Test(
        "a hardware address that another link on the master has is named",
        arguments: [Errno.addressInUse, .resourceBusy])
    func hardwareAddressTaken(errno: Errno) throws {
        let scene = try MacvlanScene()
        let before = scene.runtime.kernel.snapshot
        scene.log.fail("change link net1: up", errno)
        #expect(
            failure { try scene.add(arguments: "MAC=02:00:00:00:00:03") }
                == "another link on eth0 has the hardware address 02:00:00:00:00:03: cannot change link net1: \(errno)")
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
    }

    // MARK: Addresses

    @Test("the addresses, gateways and routes of IPAM reach the container, and the result")
    func dualStack() throws {
        let scene = try MacvlanScene(ipam: MacvlanScene.dualStack)
        let result = try scene.add()
        #expect(scene.container.addresses("net1") == ["192.0.2.5/24", "2001:db8::5/64"])
        #expect(
            scene.container.routes
                == ["0.0.0.0/0 via 192.0.2.1", "2001:db8:9::/64 via 2001:db8::1 mtu 1300 metric 7"])
        #expect(result.ips.map(\.interface) == [0, 0])
        #expect(result.ips.map(\.address.description) == ["192.0.2.5/24", "2001:db8::5/64"])
        #expect(result.ips.map(\.gateway) == [IPAddress("192.0.2.1"), IPAddress("2001:db8::1")])
        #expect(result.routes.map(\.destination.description) == ["0.0.0.0/0", "2001:db8:9::/64"])
        #expect(scene.programs.commands == ["ADD"] && scene.programs.leases == ["c1"])
        #expect(scene.host.routes.isEmpty)
    }

    @Test("keys of IPAM's answer that nobody knows are kept")
    func unknownKeys() throws {
        let scene = try MacvlanScene(ipam: #"{"ips":[{"address":"192.0.2.5/24"}],"vendor":{"lease":"7"}}"#)
        #expect(try scene.add().unknown == ["vendor": ["lease": "7"]])
    }

    @Test("an attachment keeps the kernel's defaults for IPv6, and announces its addresses")
    func sysctls() throws {
        let scene = try MacvlanScene(ipam: MacvlanScene.dualStack)
        try scene.add()
        let container = scene.container
        #expect(container.sysctl(Sysctl("ipv6", "conf", "net1", "accept_ra")) == "1")
        #expect(container.sysctl(Sysctl("ipv6", "conf", "net1", "autoconf")) == "1")
        #expect(container.sysctl(Sysctl("ipv6", "conf", "net1", "disable_ipv6")) == "0")
        #expect(container.sysctl(Sysctl("ipv4", "conf", "net1", "arp_notify")) == "1")
        #expect(container.sysctl(Sysctl("ipv6", "conf", "net1", "ndisc_notify")) == "1")
    }

    @Test("sysctls are set before a link is up, addresses after it, routes after those, and the shim is made last")
    func order() throws {
        let scene = try MacvlanScene(ipam: MacvlanScene.dualStack)
        try scene.add(#""mtu":1400,"hostShim":true"#)
        let order = [
            "sandbox: look up link net1", "host: add link net1 with MTU 1400",
            "sandbox: write net/ipv4/conf/net1/arp_notify = 1", "sandbox: write net/ipv6/conf/net1/ndisc_notify = 1",
            "sandbox: change link net1: up, alias", "sandbox: add address 192.0.2.5/24 to net1",
            "sandbox: add address 2001:db8::5/64 to net1", "sandbox: wait for a change", "sandbox: add route 0.0.0.0/0",
            "sandbox: change link net1: MAC", "host: add link \(scene.shim())",
            "host: write net/ipv6/conf/\(scene.shim())/accept_ra = 0",
            "host: write net/ipv6/conf/\(scene.shim())/autoconf = 0",
            "host: write net/ipv4/conf/\(scene.shim())/arp_filter = 1",
            "host: add address 192.0.2.200/32 to \(scene.shim())",
            "host: add address 2001:db8::200/128 to \(scene.shim())", "host: change link \(scene.shim()): up, alias",
            "host: add route 192.0.2.5/32", "host: add route 2001:db8::5/128",
        ]
        let positions = order.map { scene.log.position($0) ?? -1 }
        #expect(!positions.contains(-1), "\(scene.log.calls)")
        #expect(positions == positions.sorted(), "\(scene.log.calls)")
    }

    @Test("disableIPv6 turns IPv6 off before the interface is up, with and without IPAM", arguments: [true, false])
    func disableIPv6(hasIPAM: Bool) throws {
        let scene = try MacvlanScene()
        if hasIPAM {
            try scene.add(#""disableIPv6":true"#)
        } else {
            let text = #"{"master":"eth0","disableIPv6":true}"#
            _ = try scene.plugin.add(scene.runtime.request(text, interfaceName: "net1"))
        }
        #expect(scene.container.sysctl(Sysctl("ipv6", "conf", "net1", "disable_ipv6")) == "1")
        let off = try #require(scene.log.position("write net/ipv6/conf/net1/disable_ipv6 = 1"))
        #expect(try #require(scene.log.position("change link net1: up")) > off)
    }

    @Test("disableIPv6 and an IPv6 address of IPAM exclude each other")
    func disableIPv6WithAddress() throws {
        let scene = try MacvlanScene(ipam: MacvlanScene.dualStack)
        try fails(
            scene, #""disableIPv6":true"#,
            "disableIPv6: expected no IPv6 address from fake-ipam, found 2001:db8::5/64", code: 7)
    }

    @Test("an IPv6 address that somebody on the network has is refused")
    func duplicate() throws {
        let scene = try MacvlanScene(ipam: MacvlanScene.dualStack)
        scene.container.foreignAddresses = [try #require(IPAddress("2001:db8::5"))]
        try fails(scene, "", "another machine on the network has the address 2001:db8::5")
        try fails(scene, #""hostShim":true"#, "another machine on the network has the address 2001:db8::5")
    }

    @Test("with enabledad false nobody is asked, and the address can be used at once")
    func withoutDetection() throws {
        let scene = try MacvlanScene(ipam: MacvlanScene.dualStack)
        scene.container.foreignAddresses = [try #require(IPAddress("2001:db8::5"))]
        try scene.add(#""enabledad":false"#)
        let index = try #require(scene.container["net1"]?.index)
        let address = try #require(scene.container.state.addresses[index]?.last)
        #expect(address.skipsDuplicateDetection && !address.isTentative)
        #expect(scene.log.position("wait for a change") == nil)
    }

    @Test("the DNS of the configuration counts more than that of IPAM")
    func dns() throws {
        let ipam = #"{"ips":[{"address":"192.0.2.5/24"}],"dns":{"nameservers":["10.0.0.1"]}}"#
        #expect(try MacvlanScene(ipam: ipam).add().dns.nameservers == ["10.0.0.1"])
        #expect(
            try MacvlanScene(ipam: ipam).add(#""dns":{"nameservers":["10.0.0.2"]}"#).dns.nameservers == ["10.0.0.2"])
    }

    // MARK: Chained

    /// What a plugin before this one made: a link of the host, and a pair.
    private static func prevResult(_ scene: MacvlanScene) -> AttachmentResult {
        AttachmentResult(
            interfaces: [
                .init(name: "ens3", mac: "02:00:00:00:00:33", unknown: ["vendor": "a"]),
                .init(name: "eth0", mac: "02:00:00:00:00:44", sandbox: scene.runtime.sandbox.path),
            ],
            ips: IPPrefix("10.7.0.5/16").map { [.init(interface: 1, address: $0, gateway: IPAddress("10.7.0.1"))] }
                ?? [],
            routes: IPPrefix("10.8.0.0/16").map { [.init(destination: $0)] } ?? [],
            dns: .init(nameservers: ["10.7.0.53"]), unknown: ["vendor": "b"])
    }

    @Test("chained, it adds to what the plugins before it made", arguments: ["", #""hostShim":true"#])
    func chained(members: String) throws {
        let scene = try MacvlanScene(ipam: MacvlanScene.dualStack)
        let before = Self.prevResult(scene)
        let result = try scene.add(members, prevResult: before)
        #expect(Array(result.interfaces.prefix(2)) == before.interfaces)
        #expect(result.interfaces.dropFirst(2).map(\.name) == (members.isEmpty ? ["net1"] : ["net1", scene.shim()]))
        #expect(result.ips.first == before.ips.first && result.ips.count == 3)
        #expect(result.ips.dropFirst().map(\.interface) == [2, 2])
        #expect(result.routes.map(\.destination.description) == ["10.8.0.0/16", "0.0.0.0/0", "2001:db8:9::/64"])
        #expect(result.dns.nameservers == ["10.7.0.53"] && result.unknown == ["vendor": "b"])
        // What is somebody else's is not put on this interface.
        #expect(scene.container.addresses("net1") == ["192.0.2.5/24", "2001:db8::5/64"])
        #expect(scene.container.routes.count == 2)
    }

    @Test("chained, its own DNS counts more than that of the plugins before it")
    func chainedDNS() throws {
        let scene = try MacvlanScene()
        let result = try scene.add(#""dns":{"domain":"here"}"#, prevResult: Self.prevResult(scene))
        #expect(result.dns == .init(domain: "here"))
    }

    @Test("chained without master, it is on the one link of the host that was made before it")
    func masterFromChain() throws {
        let scene = try MacvlanScene()
        MacvlanScene.addDefaultRoute(scene.host, by: "eth0")
        scene.host.makeLink(name: "ens3", kind: nil, isUp: true)
        try scene.add(#""master":"""#, prevResult: Self.prevResult(scene))
        #expect(scene.container["net1"]?.tiedTo == scene.host["ens3"]?.index)
    }

    @Test("chained without master and with linkInContainer, it is on the one link of the container")
    func masterFromChainInContainer() throws {
        let scene = try MacvlanScene()
        scene.container.makeLink(name: "eth0", kind: "veth", isUp: true)
        try scene.add(#""master":"","linkInContainer":true"#, prevResult: Self.prevResult(scene))
        #expect(scene.container["net1"]?.tiedTo == scene.container["eth0"]?.index)
    }

    @Test("the master that is configured counts more than the chain, and the chain only where it names one link")
    func masterBesideChain() throws {
        let named = try MacvlanScene()
        named.host.makeLink(name: "ens3", kind: nil, isUp: true)
        try named.add(prevResult: Self.prevResult(named))
        #expect(named.container["net1"]?.tiedTo == named.host["eth0"]?.index)

        let several = try MacvlanScene()
        MacvlanScene.addDefaultRoute(several.host, by: "eth0")
        for name in ["ens3", "ens4"] { several.host.makeLink(name: name, kind: nil, isUp: true) }
        var result = Self.prevResult(several)
        result.interfaces.append(.init(name: "ens4"))
        try several.add(#""master":"""#, prevResult: result)
        #expect(several.container["net1"]?.tiedTo == several.host["eth0"]?.index)
    }

    @Test("a link that the chain names and that is not there is an error, whatever the default route")
    func masterFromChainMissing() throws {
        let scene = try MacvlanScene()
        MacvlanScene.addDefaultRoute(scene.host, by: "eth0")
        try refuses(
            scene, #""master":"""#,
            #"master: expected the name of a link of the host, found "ens3", which is not there"#,
            prevResult: Self.prevResult(scene))
    }

    @Test("a macvlan may be on another macvlan: the kernel puts it beside that")
    func nested() throws {
        let scene = try MacvlanScene()
        try scene.add()
        let text = #"{"master":"net1","linkInContainer":true}"#
        let result = try scene.plugin.add(scene.runtime.request(text, interfaceName: "net2"))
        #expect(scene.container["net2"]?.tiedTo == scene.host["eth0"]?.index)
        try scene.plugin.check(scene.runtime.request(text, interfaceName: "net2", prevResult: result))
    }

    @Test("the result in each version", arguments: ["0.2.0", "0.4.0", "1.0.0", "1.1.0"])
    func versions(name: String) throws {
        let scene = try MacvlanScene()
        let version = try #require(SpecificationVersion(rawValue: name))
        let result = try scene.add(version: name)
        var interface: JSONObject = [
            "name": "net1", "mac": .string(try #require(scene.container["net1"]?.mac).description),
        ]
        if name == "1.1.0" { interface.append("mtu", 1500) }
        interface.append("sandbox", .string(scene.runtime.sandbox.path))
        var ip: JSONObject = name == "0.4.0" ? ["version": "4"] : [:]
        for (key, value) in [("interface", 0), ("address", "192.0.2.5/24"), ("gateway", "192.0.2.1")]
            as [(String, JSONValue)]
        {
            ip.append(key, value)
        }
        let expected: JSONValue =
            name == "0.2.0"
            ? ["cniVersion": "0.2.0", "ip4": ["ip": "192.0.2.5/24", "gateway": "192.0.2.1"], "dns": [:]]
            : [
                "cniVersion": .string(name), "interfaces": [.object(interface)], "ips": [.object(ip)], "dns": [:],
            ]
        #expect(try result.json(version: version) == expected)
    }

    @Test("a result that the version cannot express is refused, and all is as it was")
    func inexpressible() throws {
        let scene = try MacvlanScene(
            ipam: #"{"cniVersion":"1.0.0","ips":[{"address":"192.0.2.5/24"},{"address":"192.0.2.6/24"}]}"#)
        try fails(
            scene, "", "2 addresses of one family cannot be expressed in version 0.2.0", code: 1, version: "0.2.0")
        #expect(scene.log.position("add address") == nil)
    }
}
