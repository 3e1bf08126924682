import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// Every key of the bridge plugin, seen in the kernel.
@Suite(.needsLab)
struct BridgeOptionTests {
    @Test func routerAdvertisementsAreRefusedBeforeAnyLinkIsUp() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        let port = try network.add().result.interfaces[1].name
        for link in ["cni0", port] {
            #expect(try lab.host.sysctl("ipv6/conf/\(link)/accept_ra") == "0")
            #expect(try lab.host.sysctl("ipv6/conf/\(link)/autoconf") == "0")
        }
        #expect(try lab.container.sysctl("ipv6/conf/eth0/accept_ra") == "0")
        #expect(try lab.container.sysctl("ipv6/conf/eth0/autoconf") == "0")
    }

    @Test func withIPv4AddressesOnlyThereIsNoIPv6() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.ipam = BridgeNetwork.ipv4
        _ = try network.add()
        #expect(try lab.container.addresses(of: "eth0") == ["10.1.0.2/16"])
        #expect(try lab.container.sysctl("ipv6/conf/eth0/disable_ipv6") == "1")
    }

    @Test func portFlags() throws {
        let lab = try Lab(containers: 3)
        var network = BridgeNetwork(lab)
        network.keys = #""isGateway": true, "hairpinMode": true, "portIsolation": true"#
        for container in 0...1 { _ = try network.add(container: container) }
        let ports = try lab.host.links().filter { $0.master == "cni0" }
        #expect(ports.count == 2)
        #expect(ports.allSatisfy { $0.linkinfo?.info_slave_data?.hairpin == true })
        #expect(ports.allSatisfy { $0.linkinfo?.info_slave_data?.isolated == true })
        // Isolated ports reach the host and ports that are not isolated, but not each other.
        #expect(try lab.containers[0].ping("10.1.0.1").isAnswered)
        #expect(try !lab.containers[0].ping("10.1.0.3").isAnswered)
        network.keys = #""isGateway": true"#
        _ = try network.add(container: 2)
        #expect(try lab.containers[0].ping("10.1.0.4").isAnswered)
    }

    @Test func promiscuousBridge() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.keys = #""promiscMode": true"#
        let text = try network.add().text
        #expect(try lab.host.link("cni0")?.isPromiscuous == true)
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
        try lab.host.ip("link", "set", "cni0", "promisc", "off")
        #expect(try network.call("CHECK", prevResult: text).error?.message.contains("not promiscuous") == true)
    }

    @Test func mtu() throws {
        let lab = try Lab(containers: 2)
        var network = BridgeNetwork(lab)
        network.version = "1.1.0"
        network.keys = #""mtu": 1400"#
        let result = try network.add().result
        #expect(result.interfaces.map(\.mtu) == [1400, 1400, 1400])
        #expect(try lab.container.link("eth0")?.mtu == 1400)
        #expect(try lab.host.link("cni0")?.mtu == 1400)
        // Never above what the bridge passes on.
        network.keys = #""mtu": 9000"#
        _ = try network.add(container: 1)
        #expect(try lab.containers[1].link("eth0")?.mtu == 1400)
        #expect(try lab.host.link("cni0")?.mtu == 1400)
    }

    @Test func theMTUOfANewBridgeFollowsALowerDefaultRoute() throws {
        let lab = try Lab()
        try lab.host.shell(
            """
            ip link add up0 mtu 1420 type veth peer name up1 mtu 1420
            ip address add 192.0.2.1/24 dev up0
            ip link set up0 up; ip link set up1 up
            ip route add default via 192.0.2.2
            """)
        var network = BridgeNetwork(lab)
        network.keys = #""mtu": 0"#
        _ = try network.add()
        #expect(try lab.container.link("eth0")?.mtu == 1420)
        #expect(try lab.host.link("cni0")?.mtu == 1420)
    }

    @Test func theBridgeKeepsItsHardwareAddressAsPortsComeAndGo() throws {
        let lab = try Lab(containers: 3)
        let network = BridgeNetwork(lab)
        let mac = try network.add().result.interfaces[0].mac
        for container in 1...2 { #expect(try network.add(container: container).result.interfaces[0].mac == mac) }
        for container in 0...2 { #expect(try network.call("DEL", container: container).isSuccess) }
        #expect(try lab.host.link("cni0")?.address == mac)
    }

    @Test(arguments: [
        (
            #""runtimeConfig": {"mac": "02:00:00:00:00:01"}, "args": {"cni": {"mac": "02:00:00:00:00:02"}}"#,
            "02:00:00:00:00:01"
        ),
        (#""args": {"cni": {"mac": "02:00:00:00:00:02"}}"#, "02:00:00:00:00:02"),
        ("", "02:00:00:00:00:03"),
    ])
    func hardwareAddressByThreeWays(members: String, expected: String) throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        let result = try network.add(arguments: "IgnoreUnknown=1;MAC=02:00:00:00:00:03", members: members).result
        #expect(result.interfaces[2].mac == expected)
        #expect(try lab.container.link("eth0")?.address == expected)
    }

    @Test func aContainerInterfaceThatStaysDown() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.ipam = nil
        network.keys = #""disableContainerInterface": true"#
        let text = try network.add().text
        #expect(try lab.container.link("eth0")?.isUp == false)
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
    }

    @Test func routesWithEveryAttribute() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.version = "1.1.0"
        network.ipam = #"""
            {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}], [{"subnet": "fd01::/64"}]], "routes": [
              {"dst": "10.50.0.0/16", "gw": "10.1.0.1", "mtu": 1300, "advmss": 1200, "priority": 77},
              {"dst": "10.51.0.0/16", "gw": "10.1.0.9", "table": 1000},
              {"dst": "10.52.0.0/16", "gw": "10.1.0.7"}, {"dst": "10.52.0.0/16", "gw": "10.1.0.8"},
              {"dst": "10.53.0.0/16"},
              {"dst": "10.54.0.9/32", "scope": 253, "gw": "10.1.0.1"},
              {"dst": "fd50::/64", "gw": "fd01::1", "priority": 5}]}
            """#
        network.keys = #""isGateway": true"#
        // A route with a gateway cannot have link scope: the kernel's refusal has to be told, and nothing may stay.
        let before = try lab.snapshot(files: false)
        let refused = try network.call("ADD")
        #expect(refused.error?.message.contains("add route 10.54.0.9/32") == true, "\(refused)")
        expectUnchanged(before, try lab.snapshot(files: false))

        network.ipam = network.ipam?.replacingOccurrences(of: #""scope": 253, "gw": "10.1.0.1""#, with: #""scope": 0"#)
        let text = try network.add().text
        let routes = try lab.container.routes()
        let full = try #require(routes.first { $0.dst == "10.50.0.0/16" })
        #expect(full.gateway == "10.1.0.1" && full.metric == 77)
        #expect(full.metrics?.first?.mtu == 1300 && full.metrics?.first?.advmss == 1200)
        #expect(try lab.container.ip("route", "show", "table", "1000").contains("via 10.1.0.9"))
        let shared = try lab.container.ip("route", "show", "10.52.0.0/16")
        #expect(shared.contains("nexthop via 10.1.0.7") && shared.contains("nexthop via 10.1.0.8"))
        // Without a gateway of its own, a route goes by the address's.
        #expect(routes.first { $0.dst == "10.53.0.0/16" }?.gateway == "10.1.0.1")
        #expect(try lab.container.routes().first { $0.dst == "fd50::/64" }?.metric == 5)

        #expect(try network.call("CHECK", prevResult: text).isSuccess)
        try lab.container.ip("route", "delete", "10.52.0.0/16")
        try lab.container.ip("route", "add", "10.52.0.0/16", "via", "10.1.0.7")
        #expect(try network.call("CHECK", prevResult: text).error?.message.contains("10.52.0.0/16") == true)
    }

    @Test func duplicateDetectionWaitsAndRefusesATakenAddress() throws {
        let lab = try Lab(containers: 2)
        var network = BridgeNetwork(lab)
        network.keys = #""isGateway": true, "enabledad": true"#
        try network.installIPAM("fixed", add: #"echo '{"cniVersion":"1.0.0","ips":[{"address":"fd01::5/64"}]}'"#)
        network.ipam = #"{"type": "fixed"}"#
        _ = try network.add(container: 0)
        let address = try #require(try lab.container.addresses().first { $0.text.hasPrefix("fd01::5") })
        #expect(!address.isTentative && !address.isWithoutDetection)
        let before = try lab.snapshot(files: false)
        let answer = try network.call("ADD", container: 1)
        #expect(
            answer.error?.message.contains("another machine on the network has the address fd01::5") == true,
            "\(answer)")
        expectUnchanged(before, try lab.snapshot(files: false))
    }

    @Test func anUnusualMTUSurvivesTheLastContainer() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.keys = #""mtu": 9000"#
        for _ in 0..<2 {
            _ = try network.add()
            #expect(try lab.container.ip("link", "show", "eth0").contains("mtu 9000 "))
            #expect(try network.call("DEL").isSuccess)
            #expect(try lab.host.ip("link", "show", "cni0").contains("mtu 9000 "))
        }
    }

    @Test func severalIPv4NetworksOnOneBridge() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.keys = #""isGateway": true"#
        network.ipam = #"{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}], [{"subnet": "10.2.0.0/16"}]]}"#
        let text = try network.add().text
        #expect(
            try lab.host.addresses(of: "cni0").filter { !$0.hasPrefix("fe80") }.sorted() == [
                "10.1.0.1/16", "10.2.0.1/16",
            ])
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
    }

    @Test func anAddressOfTheBridgeThatIsInTheWay() throws {
        let lab = try Lab(containers: 2)
        var network = BridgeNetwork(lab)
        network.ipam = BridgeNetwork.ipv4
        _ = try network.add(container: 0)
        var other = network
        other.name = "net2"
        other.ipam = #"{"type": "host-local", "ranges": [[{"subnet": "10.2.0.0/16"}]]}"#
        let before = try lab.snapshot(files: false)
        let refused = try other.call("ADD", container: 1)
        #expect(
            refused.error?.message == "cni0 has 10.1.0.1/16, the network wants 10.2.0.1/16; 2 ports attached",
            "\(refused)")
        expectUnchanged(before, try lab.snapshot(files: false))
        #expect(other.leases() == [])

        other.keys += #", "forceAddress": true"#
        _ = try other.add(container: 1)
        #expect(try lab.host.addresses(of: "cni0").filter { !$0.hasPrefix("fe80") } == ["10.2.0.1/16"])
        // Further IPv6 networks live beside the first.
        var third = BridgeNetwork(lab)
        third.name = "net3"
        third.ipam = #"{"type": "host-local", "ranges": [[{"subnet": "fd03::/64"}]]}"#
        _ = try third.add(container: 1, interface: "eth1")
        third.name = "net4"
        third.ipam = #"{"type": "host-local", "ranges": [[{"subnet": "fd04::/64"}]]}"#
        third.keys = #""isGateway": true"#
        _ = try third.add(container: 1, interface: "eth2")
        #expect(
            try Set(lab.host.addresses(of: "cni0").filter { !$0.hasPrefix("fe80") }) == [
                "10.2.0.1/16", "fd03::1/64", "fd04::1/64",
            ])
    }

    @Test(arguments: [
        ("missing", "", "failed to find plugin"),
        ("garbage", "echo garbage", "answered ADD with something that is no result"),
        ("silent", "true", "answered ADD with something that is no result"),
        ("failing", #"echo '{"code": 123, "msg": "no luck"}'; exit 1"#, "no luck"),
        ("dumb", "exit 3", "exit status 3"),
        ("dying", "kill -9 $$", "signal 9"),
        ("empty", #"echo '{"cniVersion": "1.0.0"}'"#, "gave no address"),
        (
            "foreign", #"echo '{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.2/16","gateway":"192.0.2.1"}]}'"#,
            "gateway inside 10.1.0.0/16"
        ),
        ("broken", #"echo '{"cniVersion":"1.0.0","ips":[{"address":"0.0.0.0/0"}]}'"#, "found 0.0.0.0/0"),
    ])
    func whateverIPAMDoesNothingIsLeft(name: String, add: String, message: String) throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        if name != "missing" { try network.installIPAM(name, add: add) }
        network.ipam = #"{"type": "\#(name)"}"#
        let before = try lab.snapshot(files: false)
        let answer = try network.call("ADD")
        let error = try #require(answer.error, "\(answer)")
        #expect(!answer.isSuccess && error.description.contains(message), "\(answer)")
        expectUnchanged(before, try lab.snapshot(files: false))
        let calls = (try? String(contentsOfFile: lab.path("ipam.log"), encoding: .utf8)) ?? ""
        #expect(calls == (name == "missing" ? "" : "ADD\nDEL\n"))
    }

    @Test func aFailingAddLeavesTheGatewayToWhomeverJoinedMeanwhile() throws {
        let lab = try Lab(containers: 3)
        // Made by hand, and without the gateway's address.
        try lab.host.shell("ip link add cni0 type bridge; ip link set cni0 up")
        var network = BridgeNetwork(lab)
        network.ipam = nil
        network.keys = #""enabledad": false"#
        let owner = try network.add(container: 2).result.interfaces[1].name
        try lab.containers[2].ip("address", "add", "fd01::5/64", "dev", "eth0", "nodad")
        // Until somebody else has joined, nobody answers the kernel that asks, for eight seconds, whose fd01::5 is.
        try lab.host.ip("link", "set", owner, "down")
        try lab.containers[0].shell("echo 8 >/proc/sys/net/ipv6/conf/default/dad_transmits")

        network.keys = #""isGateway": true, "enabledad": true"#
        try network.installIPAM(
            "taken", add: #"echo '{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.5/16"},{"address":"fd01::5/64"}]}'"#)
        try network.installIPAM("free", add: #"echo '{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.6/16"}]}'"#)
        var failing = network
        failing.ipam = #"{"type": "taken"}"#
        network.ipam = #"{"type": "free"}"#
        let answers = try inParallel(2) { [failing, network] number in
            if number == 0 { return try failing.call("ADD", container: 0) }
            // The gateway's address is that of the ADD which waits.
            let isWaiting = try waitUntil { try lab.host.addresses(of: "cni0").contains("10.1.0.1/16") }
            #expect(isWaiting)
            defer { _ = try? lab.host.ip("link", "set", owner, "up") }
            return try network.call("ADD", container: 1)
        }
        #expect(answers[0].error?.message.contains("has the address fd01::5") == true, "\(answers[0])")
        #expect(answers[1].isSuccess, "\(answers[1])")
        #expect(try lab.containers[1].ping("10.1.0.1").isAnswered)
        let check = try network.call("CHECK", container: 1, prevResult: answers[1].outcome.outputText)
        #expect(check.isSuccess, "\(check)")
    }

    @Test func aResultThatTheVersionCannotExpressLeavesNothing() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.version = "0.2.0"
        try network.installIPAM(
            "two", add: #"echo '{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.5/16"},{"address":"10.2.0.5/16"}]}'"#)
        network.ipam = #"{"type": "two"}"#
        let before = try lab.snapshot(files: false)
        let answer = try network.call("ADD")
        #expect(answer.error?.code == .incompatibleVersion, "\(answer)")
        expectUnchanged(before, try lab.snapshot(files: false))
    }

    @Test func aResultThatNobodyCanReadIsTakenBack() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        try lab.write(network.configuration(), to: "configuration.json")
        let variables = "CNI_COMMAND=ADD CNI_CONTAINERID=container-0 CNI_NETNS=\(lab.container.path) CNI_IFNAME=eth0"
        let outcome = try lab.host.run(
            "sh",
            [
                "-c",
                "\(variables) CNI_PATH=\(Executables.folder) \(Executables.path(of: "bridge")) <\(lab.path("configuration.json")) >&-",
            ])
        #expect(!outcome.isSuccess && outcome.errorText.contains("cannot write the result"), "\(outcome)")
        #expect(try lab.container.link("eth0") == nil)
        #expect(network.leases() == [])
    }

    @Test func anInterfaceIndexFromIPAMIsOfNoConsequence() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        try network.installIPAM(
            "numbering", add: #"echo '{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.5/16","interface":7}]}'"#)
        network.ipam = #"{"type": "numbering"}"#
        #expect(try network.add().result.ips.map(\.interface) == [2])
    }
}
