import CNI
import Foundation
import JSON
import NetworkAddress
import TestSupport
import Testing

/// Keys of the macvlan plugin on a real kernel, and what is refused.
@Suite(.needsLab, .needs(.macvlan))
struct MacvlanOptionTests {
    @Test(arguments: [("0", 1400), ("1300", 1300), ("1400", 1400)])
    func `the MTU is the master's, or less`(mtu: String, expected: Int) throws {
        var network = try MacvlanNetwork()
        try network.lab.host.ip("link", "set", "enp0s8", "mtu", "1400")
        network.keys += #", "mtu": \#(mtu)"#
        let (text, result) = try network.add()
        #expect(try network.lab.container.link("eth0")?.mtu == expected)
        #expect(result.interfaces.first?.mtu.map(Int.init) == expected)
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
    }

    @Test func `hardware address, queue length and name servers are as configured`() throws {
        var network = try MacvlanNetwork()
        network.keys += #", "bcqueuelen": 3000, "dns": {"nameservers": ["192.168.56.1"]}"#
        let (text, result) = try network.add(arguments: "MAC=02:00:00:00:56:02")
        let link = try network.lab.container.link("eth0")
        #expect(link?.address == "02:00:00:00:56:02" && link?.linkinfo?.info_data?.bcqueuelen == 3000)
        #expect(result.dns.nameservers == ["192.168.56.1"])
        #expect(try network.call("CHECK", prevResult: text, arguments: "MAC=02:00:00:00:56:02").isSuccess)
    }

    @Test(arguments: [
        ("ip route add default via 192.168.56.1 dev enp0s8", "enp0s8"),
        ("ip -6 route add default via fd56::1 dev enp0s8", "enp0s8"),
        (
            "ip route add default via 192.168.56.1 dev enp0s8 metric 9; ip route add default via 10.9.0.9 dev up1 metric 3",
            "up1"
        ),
    ])
    func `without a master it is the link of the default route`(routes: String, expected: String) throws {
        var network = try MacvlanNetwork()
        network.keys = ""
        try network.lab.host.shell(
            """
            ip address add 192.168.56.7/24 dev enp0s8; ip address add fd56::7/64 dev enp0s8 nodad
            ip link add up1 type veth peer name up2; ip address add 10.9.0.1/16 dev up1
            ip link set up1 up; ip link set up2 up
            \(routes)
            """)
        _ = try network.add()
        let index = try network.lab.host.link(expected)?.ifindex
        let found = try network.lab.container.link("eth0")?.link_index
        #expect(index != nil && found == index)
    }

    @Test func `layer 2 only: a link that is up, as the kernel makes it, and CHECK knows it`() throws {
        var network = try MacvlanNetwork()
        network.ipam = nil
        let (text, result) = try network.add()
        #expect(result.ips == [] && result.interfaces.map(\.name) == ["eth0"])
        #expect(try network.lab.container.link("eth0")?.isUp == true)
        #expect(try network.lab.container.sysctl("ipv6/conf/eth0/accept_ra") == "1")
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
        try network.lab.container.shell("ip address add 192.168.56.99/24 dev eth0")
        #expect(try network.lab.container.ping("192.168.56.1").isAnswered)
        try network.delete()
        #expect(try network.lab.container.link("eth0") == nil)
    }

    /// The kernel does not look for duplicates without a carrier.
    @Test func `with a master that is down, IPv6 addresses cannot be had, and the error says why`() throws {
        var network = try MacvlanNetwork()
        network.ipam =
            #"{"type": "host-local", "ranges": [[{"subnet": "192.168.56.0/24"}], [{"subnet": "fd56::/64"}]]}"#
        try network.lab.host.ip("link", "set", "enp0s8", "down")
        let answer = try network.call("ADD")
        #expect(answer.error?.code == .tryAgainLater, "\(answer)")
        #expect(answer.error?.message.contains("eth0 has no carrier") == true, "\(answer)")
        #expect(try network.lab.container.link("eth0") == nil && network.leases() == [])
        // IPv4 needs nobody to agree.
        network.ipam = #"{"type": "host-local", "subnet": "192.168.56.0/24"}"#
        _ = try network.add()
    }

    @Test func `IPv6 is as on any machine of the network, or off`() throws {
        var network = try MacvlanNetwork(containers: 2)
        _ = try network.add(container: 0)
        #expect(try network.lab.container.sysctl("ipv6/conf/eth0/disable_ipv6") == "0")
        #expect(try network.lab.container.sysctl("ipv6/conf/eth0/accept_ra") == "1")
        network.keys += #", "disableIPv6": true"#
        _ = try network.add(container: 1)
        #expect(try network.lab.containers[1].sysctl("ipv6/conf/eth0/disable_ipv6") == "1")
        let linkLocal = try network.lab.containers[1].addresses().filter { $0.text.hasPrefix("fe80:") }
        #expect(linkLocal.isEmpty)
    }

    @Test func `both families work at once, and an address that somebody has is refused`() throws {
        var network = try MacvlanNetwork(containers: 2)
        network.ipam = MacvlanNetwork.dualStack
        let result = try network.add().result
        #expect(result.ips.map(\.address.description) == ["192.168.56.128/24", "fd56::80/64"])
        // Asked about already, so that it can be used at once.
        for address in ["192.168.56.1", "fd56::1"] { #expect(try network.lab.container.ping(address).isAnswered) }
        try network.router.ip("address", "add", "fd56::81/64", "dev", "lan", "nodad")
        let before = try network.lab.snapshot(files: false)
        let answer = try network.call("ADD", container: 1)
        #expect(answer.error?.message.contains("has the address fd56::81") == true, "\(answer)")
        expectUnchanged(before, try network.lab.snapshot(files: false))
        #expect(network.leases() == ["192.168.56.128", "fd56::80"])
        network.keys += #", "enabledad": false"#
        #expect(try network.call("ADD", container: 1).isSuccess)
    }

    /// The router has found out where the address was; the container that has it now says that it is here.
    @Test func `an address that moves is reached at once`() throws {
        var network = try MacvlanNetwork(containers: 2)
        network.ipam = network.ipam?.replacing("192.168.56.254", with: "192.168.56.128")
        _ = try network.add(container: 0)
        #expect(try network.router.ping("192.168.56.128").isAnswered)
        try network.delete(container: 0)
        _ = try network.add(container: 1)
        let ping = try network.router.ping("192.168.56.128")
        #expect(ping.isAnswered && ping.milliseconds ?? 1000 < 50, "\(ping.report)")
        #expect(try network.macSeenByRouter("192.168.56.128") == network.lab.containers[1].link("eth0")?.address)
    }

    /// What is refused: keys, a preparation on the host or in the container, the beginning of the error.
    struct Refusal: Sendable, CustomTestStringConvertible {
        var keys = #""master": "enp0s8""#
        var host = "true"
        var container = "true"
        let message: String

        var testDescription: String { message }
    }

    @Test(arguments: [
        Refusal(
            keys: #""master": "enp0s9""#,
            message: #"master: expected the name of a link of the host, found "enp0s9", which is not there"#),
        Refusal(
            keys: #""master": "enp0s8", "linkInContainer": true"#,
            message: #"master: expected the name of a link of the container, found "enp0s8", which is not there"#),
        Refusal(
            keys: "", message: "master: expected the name of a link, found none, and the host has no default route"),
        Refusal(
            keys: #""master": "enp0s8", "mode": "bridged""#,
            message: #"mode: expected one of private, vepa, bridge, passthru, found the string "bridged""#),
        Refusal(
            keys: #""master": "enp0s8", "mtu": 1501"#,
            message: "mtu: expected at most the 1500 of enp0s8, found 1501"),
        Refusal(container: "ip link add eth0 type bridge", message: "eth0 already exists in the sandbox"),
        Refusal(
            host: "ip link add br0 type bridge; ip link set enp0s8 master br0",
            message: "master enp0s8 is taken: it is a port of br0"),
        Refusal(keys: #""master": "lo""#, message: "master: expected a link to a network, found lo"),
        Refusal(
            keys: #""master": "enp0s8", "runtimeConfig": {"mac": "02:00:00:00:56:03"}"#,
            host: "ip link add link enp0s8 name mv0 address 02:00:00:00:56:03 type macvlan; ip link set mv0 up",
            message: "another link on enp0s8 has the hardware address 02:00:00:00:56:03"),
    ])
    func `one error names what is in the way, and nothing changes`(refusal: Refusal) throws {
        var network = try MacvlanNetwork()
        network.keys = refusal.keys
        try network.lab.host.shell(refusal.host)
        try network.lab.container.shell(refusal.container)
        let before = try network.lab.snapshot(files: false)
        let answer = try network.call("ADD")
        #expect(answer.error?.message.hasPrefix(refusal.message) == true, "\(answer)")
        expectUnchanged(before, try network.lab.snapshot(files: false))
        #expect(network.leases() == [])
        // The DEL that follows does not take what is somebody else's.
        try network.delete()
        expectUnchanged(before, try network.lab.snapshot(files: false))
    }

    @Test func `DEL after the sandbox is gone releases the address`() throws {
        let network = try MacvlanNetwork()
        _ = try network.add()
        #expect(network.leases() == ["192.168.56.128"])
        network.lab.container.remove()
        try network.delete(sandbox: "")
        #expect(network.leases() == [])
    }

    @Test func `a second ADD is refused, and its DEL belongs to the first`() throws {
        let network = try MacvlanNetwork()
        let text = try network.add().text
        let second = try network.call("ADD")
        #expect(second.error?.message.hasPrefix("eth0 already exists") == true, "\(second)")
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
        // Another network's attachment of that name is not this one's to delete.
        var other = network
        other.name = "lan2"
        try other.delete()
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
    }

    @Test func `STATUS is 50 while the master is missing or down`() throws {
        var network = try MacvlanNetwork()
        #expect(try network.call("STATUS").isSuccess)
        try network.lab.host.ip("link", "set", "enp0s8", "down")
        #expect(try network.call("STATUS").error == CNIError(.notAvailable, "master enp0s8 is down"))
        network.keys = #""master": "enp0s9""#
        #expect(try network.call("STATUS").error?.code == .notAvailable)
        network.keys = #""master": "net1", "linkInContainer": true"#
        #expect(try network.call("STATUS").isSuccess)
    }

    /// A plugin before this one made the link that the container is to be on.
    @Test func `chained, it adds to the result and finds its master there`() throws {
        var network = try MacvlanNetwork()
        network.keys = ""
        let before =
            #"{"cniVersion":"1.1.0","interfaces":[{"name":"enp0s8","vendor":"x"}],"routes":[{"dst":"10.0.0.0/8"}],"more":7}"#
        let answer = try network.call("ADD", prevResult: before)
        let result = try answer.result()
        #expect(result.interfaces.map(\.name) == ["enp0s8", "eth0"])
        #expect(result.interfaces[0].unknown["vendor"] == "x" && result.unknown["more"] == 7)
        #expect(result.ips.map(\.interface) == [1])
        #expect(result.routes.map(\.destination.description) == ["10.0.0.0/8", "0.0.0.0/0"])
        // The routes of others are theirs to make.
        #expect(try network.lab.container.routes().contains { $0.dst == "10.0.0.0/8" } == false)
    }
}
