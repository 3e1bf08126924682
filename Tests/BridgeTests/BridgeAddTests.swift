import CNI
import CNIPlugin
import InterfaceSetup
import InterfaceTestSupport
import JSON
import LinuxSystem
import Netlink
import NetworkAddress
import SystemPackage
import Testing

@testable import bridge

@Suite("BridgePlugin, ADD")
struct BridgeAddTests {
    @Test("a layer-2 attachment is a pair between a new bridge and the sandbox, all up, without addresses")
    func layer2() throws {
        let scene = try BridgeScene()
        let result = try scene.plugin.add(scene.runtime.request())
        let bridge = try #require(scene.host["cni0"])
        let port = try #require(scene.host[scene.hostLink()])
        let inside = try #require(scene.container["eth0"])
        #expect(bridge.isUp && bridge.kind == "bridge" && bridge.bridge == BridgeSettings() && !bridge.isPromiscuous)
        #expect(port.isUp && port.master == bridge.index && port.tiedTo == inside.index && inside.tiedTo == port.index)
        #expect(port.alias == "cni:net/c1/eth0")
        #expect(port.port == BridgePort(state: .forwarding))
        #expect(inside.isUp && bridge.mtu == 1500 && port.mtu == 1500 && inside.mtu == 1500)
        #expect(result.interfaces.map(\.name) == ["cni0", scene.hostLink(), "eth0"])
        #expect(result.interfaces.map(\.sandbox) == [nil, nil, scene.runtime.sandbox.path])
        #expect(result.interfaces.map(\.mac) == [bridge.mac, port.mac, inside.mac].map { $0?.description })
        #expect(result.ips.isEmpty && result.routes.isEmpty)
        #expect(scene.programs.calls.isEmpty)
        // A layer-2 attachment keeps the kernel's defaults: people use router advertisements there.
        #expect(scene.container.sysctl(Sysctl("ipv6", "conf", "eth0", "accept_ra")) == "1")
        #expect(scene.container.sysctl(Sysctl("ipv6", "conf", "eth0", "disable_ipv6")) == "0")
        #expect(scene.host.sysctl(Sysctl("ipv4", "ip_forward")) == "0")
    }

    @Test("an older kernel, which does not say what it made, is asked")
    func oldKernel() throws {
        let scene = try BridgeScene(echoesLinks: false)
        #expect(try scene.add(#""isGateway":true,"vlan":5"#).interfaces.count == 4)
    }

    @Test("a kernel without IPv6 does for IPv4")
    func withoutIPv6() throws {
        let scene = try BridgeScene(hasIPv6: false)
        try scene.add(#""isDefaultGateway":true"#)
        #expect(scene.container.routes == ["0.0.0.0/0 via 10.1.0.1"])
    }

    @Test("the bridge gets a MAC of its own: for local use, and not multicast")
    func bridgeMAC() throws {
        for _ in 0..<50 { #expect(try #require(MACAddress.randomLocal()).bytes[0] & 3 == 2) }
        let scene = try BridgeScene()
        try scene.add()
        #expect(try #require(scene.host["cni0"]?.mac).bytes[0] & 3 == 2)
    }

    @Test("the addresses, gateways and routes of IPAM reach the container")
    func dualStack() throws {
        let scene = try BridgeScene(ipam: BridgeScene.dualStack)
        let result = try scene.add()
        #expect(scene.container.addresses("eth0") == ["10.1.0.5/16", "fd00:1::5/64"])
        #expect(
            scene.container.routes == ["192.168.0.0/16 via 10.1.0.1", "fd00:9::/64 via fd00:1::1 mtu 1300 metric 7"])
        #expect(scene.host.addresses("cni0").isEmpty)
        #expect(result.ips.map(\.interface) == [2, 2])
        #expect(result.routes.count == 2)
        #expect(scene.container.sysctl(Sysctl("ipv6", "conf", "eth0", "accept_ra")) == "0")
        #expect(scene.host.sysctl(Sysctl("ipv4", "ip_forward")) == "0")
        #expect(scene.programs.commands == ["ADD"])
    }

    @Test("a gateway has the first address of each network on the bridge, and the host forwards")
    func gateway() throws {
        let scene = try BridgeScene(ipam: BridgeScene.dualStack)
        try scene.add(#""isGateway":true"#)
        #expect(scene.host.addresses("cni0") == ["10.1.0.1/16", "fd00:1::1/64"])
        #expect(scene.host.sysctl(Sysctl("ipv4", "ip_forward")) == "1")
        #expect(scene.host.sysctl(Sysctl("ipv6", "conf", "all", "forwarding")) == "1")
        #expect(
            scene.container.routes == ["192.168.0.0/16 via 10.1.0.1", "fd00:9::/64 via fd00:1::1 mtu 1300 metric 7"])
        let bridge = try #require(scene.host["cni0"])
        #expect(scene.host.state.addresses[bridge.index]?.allSatisfy { !$0.isTentative } == true)
    }

    @Test("only the families that have a gateway are forwarded")
    func forwardingByFamily() throws {
        let scene = try BridgeScene()
        try scene.add(#""isGateway":true"#)
        #expect(scene.host.sysctl(Sysctl("ipv4", "ip_forward")) == "1")
        #expect(scene.host.sysctl(Sysctl("ipv6", "conf", "all", "forwarding")) == "0")
    }

    @Test("a default gateway adds a default route for each family")
    func defaultGateway() throws {
        let scene = try BridgeScene(ipam: BridgeScene.dualStack)
        let result = try scene.add(#""isDefaultGateway":true"#)
        #expect(
            scene.container.routes.contains("0.0.0.0/0 via 10.1.0.1")
                && scene.container.routes.contains("::/0 via fd00:1::1"))
        #expect(result.routes.map(\.destination.description) == ["192.168.0.0/16", "fd00:9::/64", "0.0.0.0/0", "::/0"])
    }

    @Test(
        "several networks of one family each have their gateway on the bridge, with forceAddress too",
        arguments: [
            #""isGateway":true"#, #""isGateway":true,"forceAddress":true"#,
        ])
    func severalAddresses(members: String) throws {
        let scene = try BridgeScene(
            ipam: #"{"ips":[{"address":"10.1.0.5/16"},{"address":"10.2.0.5/16"},{"address":"10.1.0.6/16"}]}"#)
        try scene.add(members)
        #expect(scene.host.addresses("cni0") == ["10.1.0.1/16", "10.2.0.1/16"])
        #expect(scene.container.addresses("eth0") == ["10.1.0.5/16", "10.1.0.6/16", "10.2.0.5/16"])
        scene.log.clear()
        let second = try scene.runtime.kernel.makeSandbox("/run/netns/two")
        _ = try scene.plugin.add(
            scene.runtime.request(BridgeScene.json(members), containerID: "c2", sandbox: second.sandbox))
        #expect(scene.host.addresses("cni0") == ["10.1.0.1/16", "10.2.0.1/16"])
        #expect(scene.log.position("delete address") == nil)
    }

    @Test("an existing bridge is used as it is")
    func existingBridge() throws {
        let scene = try BridgeScene()
        let before = scene.host.makeLink(name: "cni0", kind: "bridge", isUp: true)
        scene.host.addAddress("10.1.0.1/16", to: "cni0")
        try scene.add(#""isGateway":true"#)
        let after = try #require(scene.host["cni0"])
        #expect(after == before)
        #expect(scene.host.addresses("cni0") == ["10.1.0.1/16"])
        #expect(scene.log.position("add link cni0") == nil && scene.log.position("change link cni0") == nil)
    }

    @Test("an existing bridge that is down is brought up")
    func bridgeDown() throws {
        let scene = try BridgeScene()
        scene.host.makeLink(name: "cni0", kind: "bridge")
        try scene.add()
        #expect(scene.host["cni0"]?.isUp == true)
    }

    @Test("a link of another kind in the bridge's place is refused, and IPAM takes its address back")
    func wrongKind() throws {
        let scene = try BridgeScene()
        scene.host.makeLink(name: "cni0", kind: "veth")
        let before = scene.runtime.kernel.snapshot
        #expect(
            failure { try scene.add() } == "bridge: expected cni0 to be a bridge or absent, found veth of that name")
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
        #expect(
            failure { try scene.add(#""bridge":"eth0""#) }
                == "bridge: expected eth0 to be a bridge or absent, found a device of that name")
    }

    @Test(
        "an address in the way is named, with the one that is wanted and the number of ports",
        arguments: [(0, "1 port"), (2, "3 ports")])
    func conflict(others: Int, ports: String) throws {
        let scene = try BridgeScene()
        let bridge = scene.host.makeLink(name: "cni0", kind: "bridge", isUp: true)
        for number in 0..<others { scene.host.makeLink(name: "port\(number)", kind: "veth", master: bridge.index) }
        scene.host.addAddress("10.9.0.1/16", to: "cni0")
        let before = scene.runtime.kernel.snapshot
        #expect(
            failure { try scene.add(#""isGateway":true"#) }
                == "cni0 has 10.9.0.1/16, the network wants 10.1.0.1/16; \(ports) attached: forceAddress replaces the address"
        )
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
    }

    @Test("IPv6 networks live side by side unless they overlap; link-local addresses are never in the way")
    func conflictIPv6() throws {
        let ipam = #"{"ips":[{"address":"fd00:1::5/64"}]}"#
        let scene = try BridgeScene(ipam: ipam)
        scene.host.makeLink(name: "cni0", kind: "bridge", isUp: true)
        for address in ["fe80::9/64", "fd00:2::1/64"] { scene.host.addAddress(address, to: "cni0") }
        try scene.add(#""isGateway":true"#)
        #expect(scene.host.addresses("cni0") == ["fd00:1::1/64", "fd00:2::1/64", "fe80::9/64"])

        let other = try BridgeScene(ipam: ipam)
        other.host.makeLink(name: "cni0", kind: "bridge", isUp: true)
        other.host.addAddress("fd00::1/16", to: "cni0")
        #expect(
            failure { try other.add(#""isGateway":true"#) }?.contains(
                "cni0 has fd00::1/16, the network wants fd00:1::1/64") == true)
    }

    @Test("forceAddress replaces what is in the way")
    func forceAddress() throws {
        let scene = try BridgeScene()
        scene.host.makeLink(name: "cni0", kind: "bridge", isUp: true)
        for address in ["10.9.0.1/16", "10.9.0.2/16", "169.254.0.1/16"] { scene.host.addAddress(address, to: "cni0") }
        try scene.add(#""isGateway":true,"forceAddress":true"#)
        #expect(scene.host.addresses("cni0") == ["10.1.0.1/16", "169.254.0.1/16"])
    }

    @Test(
        "the MTU: explicit, or 1500, or the default route's where that is lower; never above an existing bridge's",
        arguments: [
            (#""mtu":0"#, nil, nil, 1500, 1500), (#""mtu":1400"#, nil, nil, 1400, 1400),
            (#""mtu":9000"#, nil, nil, 9000, 9000),
            ("", 1450, nil, 1450, 1450), ("", 9000, nil, 1500, 1500), (#""mtu":1480"#, 1450, nil, 1480, 1480),
            (#""mtu":9000"#, nil, 1400, 1400, 1400), (#""mtu":1300"#, nil, 1400, 1300, 1400),
            ("", nil, 1400, 1400, 1400),
            ("", nil, 9000, 1500, 9000),
        ] as [(String, UInt32?, UInt32?, UInt32, UInt32)])
    func mtu(members: String, uplink: UInt32?, existing: UInt32?, port: UInt32, bridge: UInt32) throws {
        let scene = try BridgeScene()
        if let uplink {
            scene.host["eth0"]?.mtu = uplink
            let link = try #require(scene.host["eth0"])
            scene.host.addRoute(
                Route(
                    destination: .everything(.ipv4),
                    nextHops: [.init(gateway: IPAddress("192.0.2.1"), link: link.index)]))
        }
        if let existing { scene.host.makeLink(name: "cni0", kind: "bridge", mtu: existing, isUp: true) }
        let result = try scene.add(members)
        #expect(scene.host["cni0"]?.mtu == bridge)
        #expect(scene.host[scene.hostLink()]?.mtu == port && scene.container["eth0"]?.mtu == port)
        #expect(result.interfaces.map(\.mtu) == [bridge, port, port])
    }

    @Test("the MTU that the default route itself carries counts")
    func routeMTU() throws {
        let scene = try BridgeScene()
        let link = try #require(scene.host["eth0"])
        scene.host.addRoute(Route(destination: .everything(.ipv6), nextHops: [.init(link: link.index)], mtu: 1280))
        try scene.add()
        #expect(scene.container["eth0"]?.mtu == 1280)
    }

    @Test(
        "a bridge keeps an unusual MTU when its last port leaves: it is set after creation, which the kernel remembers")
    func rememberedMTU() throws {
        let scene = try BridgeScene()
        try scene.add(#""mtu":9000"#)
        #expect(scene.log.calls.contains("host: change link cni0: up, MTU 9000"))
        #expect(scene.log.calls.contains("host: add link cni0"))
    }

    @Test("hairpin mode, promiscuity and isolation are set where they are wanted")
    func flags() throws {
        let hairpin = try BridgeScene()
        try hairpin.add(#""hairpinMode":true,"portIsolation":true"#)
        let port = try #require(hairpin.host[hairpin.hostLink()]?.port)
        #expect(port.isHairpin && port.isIsolated)
        #expect(hairpin.host["cni0"]?.isPromiscuous == false)

        let promiscuous = try BridgeScene()
        promiscuous.host.makeLink(name: "cni0", kind: "bridge", isUp: true)
        try promiscuous.add(#""promiscMode":true"#)
        #expect(promiscuous.host["cni0"]?.isPromiscuous == true)
        #expect(promiscuous.host[promiscuous.hostLink()]?.port?.isHairpin == false)
    }

    @Test(
        "a VLAN: the port and the gateway's link are access ports, and the gateway's link comes last in the result",
        arguments: [true, false])
    func vlan(keepsDefault: Bool) throws {
        let scene = try BridgeScene(ipam: BridgeScene.dualStack)
        let result = try scene.add(#""vlan":100,"isGateway":true,"preserveDefaultVlan":\#(keepsDefault)"#)
        let bridge = try #require(scene.host["cni0"])
        let gateway = try #require(scene.host["cni0.100"])
        let gatewayPort = try #require(scene.host[HostLinkName.veth(gatewayLink: "cni0.100")])
        #expect(bridge.bridge?.filtersVLANs == true)
        #expect(
            gateway.isUp && gatewayPort.isUp && gatewayPort.master == bridge.index
                && gateway.tiedTo == gatewayPort.index)
        let access = BridgeVLAN(100...100, isPortDefault: true, isUntagged: true)
        let expected = keepsDefault ? [BridgeVLAN(1...1, isUntagged: true), access] : [access]
        #expect(scene.host.vlans(ofPort: scene.hostLink()) == expected)
        #expect(scene.host.vlans(ofPort: gatewayPort.name) == expected)
        #expect(scene.host.addresses("cni0.100") == ["10.1.0.1/16", "fd00:1::1/64"])
        #expect(scene.host.addresses("cni0").isEmpty)
        #expect(scene.host.sysctl(Sysctl("ipv6", "conf", "cni0.100", "accept_ra")) == "0")
        #expect(scene.host.sysctl(Sysctl("ipv6", "conf", gatewayPort.name, "accept_ra")) == "0")
        #expect(result.interfaces.map(\.name) == ["cni0", scene.hostLink(), "eth0", "cni0.100"])
        #expect(result.interfaces[3].mac == gateway.mac?.description)
        #expect(result.ips.map(\.interface) == [2, 2])
    }

    @Test("the second container in a VLAN uses the gateway's link that is there")
    func sharedVLANLink() throws {
        let scene = try BridgeScene()
        try scene.add(#""vlan":100,"isGateway":true"#)
        let link = try #require(scene.host["cni0.100"])
        let second = try scene.runtime.kernel.makeSandbox("/run/netns/two")
        let result = try scene.plugin.add(
            scene.runtime.request(
                BridgeScene.json(#""vlan":100,"isGateway":true"#), containerID: "c2", sandbox: second.sandbox))
        #expect(scene.host["cni0.100"] == link)
        #expect(result.interfaces.count == 4)
    }

    @Test("a gateway's link that a killed ADD left half made is finished")
    func halfMadeVLANLink() throws {
        let scene = try BridgeScene()
        try scene.add(#""vlan":100,"isGateway":true"#)
        let port = HostLinkName.veth(gatewayLink: "cni0.100")
        scene.host["cni0.100"]?.isUp = false
        scene.host[port]?.isUp = false
        scene.host.setVLANs([.kernelDefault], ofPort: port)
        let second = try scene.runtime.kernel.makeSandbox("/run/netns/two")
        _ = try scene.plugin.add(
            scene.runtime.request(
                BridgeScene.json(#""vlan":100,"isGateway":true"#), containerID: "c2", sandbox: second.sandbox))
        #expect(scene.host["cni0.100"]?.isUp == true && scene.host[port]?.isUp == true)
        #expect(scene.host.vlans(ofPort: port).last == BridgeVLAN(100...100, isPortDefault: true, isUntagged: true))
    }

    @Test("a trunk port has its VLANs tagged, and the bridge keeps the gateway")
    func trunk() throws {
        let scene = try BridgeScene()
        let result = try scene.add(#""vlanTrunk":[{"id":5},{"minID":10,"maxID":12}],"isGateway":true"#)
        #expect(scene.host.vlans(ofPort: scene.hostLink()) == [.kernelDefault, BridgeVLAN(5...5), BridgeVLAN(10...12)])
        #expect(scene.host.addresses("cni0") == ["10.1.0.1/16"])
        #expect(result.interfaces.count == 3)
    }

    @Test(
        "a bridge that does not keep VLANs apart is refused",
        arguments: [("vlan", #""vlan":5"#), ("vlanTrunk", #""vlanTrunk":[{"id":5}]"#)])
    func noFiltering(key: String, members: String) throws {
        let scene = try BridgeScene()
        scene.host.makeLink(name: "cni0", kind: "bridge", isUp: true, bridge: BridgeSettings())
        let before = scene.runtime.kernel.snapshot
        #expect(
            failure { try scene.add(members) }
                == "cni0 does not keep VLANs apart, and the network wants \(key): ip link set cni0 type bridge vlan_filtering 1"
        )
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
    }

    @Test("disableContainerInterface leaves the interface in the sandbox down")
    func disabled() throws {
        let scene = try BridgeScene()
        let result = try scene.plugin.add(scene.runtime.request(#"{"disableContainerInterface":true}"#))
        #expect(scene.container["eth0"]?.isUp == false)
        #expect(scene.host[scene.hostLink()]?.isUp == true)
        #expect(result.interfaces.count == 3)
        #expect(scene.log.position("wait") == nil)
    }

    @Test("disableIPv6 turns IPv6 off on a layer-2 attachment, and IPv4 addresses alone do so by themselves")
    func disableIPv6() throws {
        let layer2 = try BridgeScene()
        _ = try layer2.plugin.add(layer2.runtime.request(#"{"disableIPv6":true}"#))
        #expect(layer2.container.sysctl(Sysctl("ipv6", "conf", "eth0", "disable_ipv6")) == "1")
        let routed = try BridgeScene()
        try routed.add()
        #expect(routed.container.sysctl(Sysctl("ipv6", "conf", "eth0", "disable_ipv6")) == "1")
    }

    @Test("enabledad asks the network, and a duplicate ends the ADD without a trace")
    func duplicates() throws {
        let scene = try BridgeScene(ipam: BridgeScene.dualStack)
        let before = scene.runtime.kernel.snapshot
        scene.container.foreignAddresses = [try #require(IPAddress("fd00:1::5"))]
        #expect(
            failure { try scene.add(#""enabledad":true"#) }
                == "another machine on the network has the address fd00:1::5")
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
        scene.container.foreignAddresses = []
        scene.host.foreignAddresses = [try #require(IPAddress("fd00:1::1"))]
        #expect(
            failure { try scene.add(#""enabledad":true,"isGateway":true"#) }
                == "another machine on the network has the address fd00:1::1")
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
        scene.host.foreignAddresses = []
        try scene.add(#""enabledad":true,"isGateway":true"#)
        let bridge = try #require(scene.host["cni0"])
        #expect(scene.host.state.addresses[bridge.index]?.contains(where: \.isTentative) == false)
        #expect(scene.container.addresses("eth0") == ["10.1.0.5/16", "fd00:1::5/64"])
    }

    @Test("a port that never passes packets on is an error")
    func deadPort() throws {
        let scene = try BridgeScene()
        scene.host.hasDeadPorts = true
        let before = scene.runtime.kernel.snapshot
        #expect(failure { try scene.add() } == "\(scene.hostLink()), the container's port of cni0, does not come up")
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
    }

    @Test("the container's hardware address is the one asked for")
    func hardwareAddress() throws {
        let scene = try BridgeScene()
        let result = try scene.add(arguments: "MAC=02:00:00:00:00:03")
        #expect(scene.container["eth0"]?.mac == MACAddress("02:00:00:00:00:03"))
        #expect(result.interfaces[2].mac == "02:00:00:00:00:03")
    }

    @Test("every link is made deaf to router advertisements before it is up, and the container is up before its routes")
    func order() throws {
        let scene = try BridgeScene(ipam: BridgeScene.dualStack)
        try scene.add(#""isGateway":true,"vlan":100"#)
        let port = scene.hostLink()
        let gatewayPort = HostLinkName.veth(gatewayLink: "cni0.100")
        let order = [
            "host: add link cni0", "host: write net/ipv6/conf/cni0/accept_ra = 0", "host: change link cni0: up",
            "host: add link \(port) with MTU 1500", "host: write net/ipv6/conf/\(port)/accept_ra = 0",
            "host: add VLANs to port \(port)", "host: change link \(port): up",
            "sandbox: write net/ipv6/conf/eth0/accept_ra = 0", "sandbox: write net/ipv6/conf/eth0/disable_ipv6 = 1",
            "sandbox: change link eth0: up", "host: add link \(gatewayPort)",
            "host: write net/ipv6/conf/\(gatewayPort)/accept_ra = 0",
            "host: write net/ipv6/conf/cni0.100/accept_ra = 0",
            "host: change link \(gatewayPort): up", "host: change link cni0.100: up",
            "host: add address 10.1.0.1/16 to cni0.100", "host: add address fd00:1::1/64 to cni0.100",
            "sandbox: write net/ipv6/conf/eth0/disable_ipv6 = 0", "sandbox: add address 10.1.0.5/16 to eth0",
            "sandbox: add address fd00:1::5/64 to eth0", "sandbox: add route 192.168.0.0/16",
            "sandbox: change link eth0: MAC", "host: write net/ipv4/ip_forward = 1",
        ]
        let positions = order.map { scene.log.position($0) ?? -1 }
        #expect(!positions.contains(-1), "\(scene.log.calls)")
        #expect(positions == positions.sorted())
    }

    @Test("an interface name that is taken in the sandbox is refused before IPAM is asked")
    func nameTaken() throws {
        let scene = try BridgeScene()
        scene.container.makeLink(name: "eth0", kind: "macvlan")
        let before = scene.runtime.kernel.snapshot
        #expect(failure { try scene.add() } == "eth0 already exists in the sandbox /run/netns/one")
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.calls.isEmpty)
    }

    @Test("an attachment that lives in another sandbox is refused before IPAM is asked, and keeps its lease")
    func attachedAlready() throws {
        let scene = try BridgeScene()
        try scene.add()
        let before = scene.runtime.kernel.snapshot
        let second = try scene.runtime.kernel.makeSandbox("/run/netns/two")
        scene.programs.clear()
        let request = try scene.runtime.request(BridgeScene.withIPAM, sandbox: second.sandbox)
        #expect(
            failure { try scene.plugin.add(request) }
                == "eth0 of container c1 on network net is attached already: its link on the host is \(scene.hostLink())"
        )
        #expect(scene.programs.calls.isEmpty && scene.programs.leases == ["c1"])
        #expect(Array(scene.runtime.kernel.snapshot.prefix(2)) == before)
    }

    @Test("the DNS of the configuration counts more than that of IPAM")
    func dns() throws {
        let ipam = #"{"ips":[{"address":"10.1.0.5/16"}],"dns":{"nameservers":["10.0.0.1"]}}"#
        #expect(try BridgeScene(ipam: ipam).add().dns.nameservers == ["10.0.0.1"])
        #expect(try BridgeScene(ipam: ipam).add(#""dns":{"nameservers":["10.0.0.2"]}"#).dns.nameservers == ["10.0.0.2"])
    }

    @Test("the result in each version", arguments: ["0.2.0", "0.4.0", "1.0.0", "1.1.0"])
    func versions(name: String) throws {
        let scene = try BridgeScene(ipam: BridgeScene.dualStack)
        let version = try #require(SpecificationVersion(rawValue: name))
        let result = try scene.add(#""isGateway":true"#, version: name)
        let port = scene.hostLink()
        let expected: JSONValue =
            switch name {
            case "0.2.0":
                [
                    "cniVersion": "0.2.0",
                    "ip4": ["ip": "10.1.0.5/16", "gateway": "10.1.0.1", "routes": [["dst": "192.168.0.0/16"]]],
                    "ip6": ["ip": "fd00:1::5/64", "gateway": "fd00:1::1", "routes": [["dst": "fd00:9::/64"]]],
                    "dns": [:],
                ]
            case "0.4.0":
                [
                    "cniVersion": "0.4.0", "interfaces": interfaces(scene, port, hasMTU: false),
                    "ips": [
                        ["version": "4", "interface": 2, "address": "10.1.0.5/16", "gateway": "10.1.0.1"],
                        ["version": "6", "interface": 2, "address": "fd00:1::5/64", "gateway": "fd00:1::1"],
                    ],
                    "routes": [["dst": "192.168.0.0/16"], ["dst": "fd00:9::/64"]], "dns": [:],
                ]
            default:
                [
                    "cniVersion": .string(name), "interfaces": interfaces(scene, port, hasMTU: name == "1.1.0"),
                    "ips": [
                        ["interface": 2, "address": "10.1.0.5/16", "gateway": "10.1.0.1"],
                        ["interface": 2, "address": "fd00:1::5/64", "gateway": "fd00:1::1"],
                    ],
                    "routes": [
                        ["dst": "192.168.0.0/16"],
                        name == "1.1.0" ? ["dst": "fd00:9::/64", "mtu": 1300, "priority": 7] : ["dst": "fd00:9::/64"],
                    ],
                    "dns": [:],
                ]
            }
        #expect(try result.json(version: version) == expected)
    }

    private func interfaces(_ scene: BridgeScene, _ port: String, hasMTU: Bool) -> JSONValue {
        let links = [scene.host["cni0"], scene.host[port], scene.container["eth0"]]
        return .array(
            links.enumerated().map { position, link in
                var object: JSONObject = [
                    "name": .string(link?.name ?? ""), "mac": .string(link?.mac?.description ?? ""),
                ]
                if hasMTU { object.append("mtu", 1500) }
                if position == 2 { object.append("sandbox", .string(scene.runtime.sandbox.path)) }
                return .object(object)
            })
    }
}
