import CNI
import Foundation
import TestSupport
import Testing

/// CHECK of the bridge plugin: each promise of ADD, broken by hand.
@Suite(.needsLab)
struct BridgeCheckTests {
    /// A line of shell, in which `$port` is the host's end; where to run it; what the error has to say.
    struct Damage: Sendable, CustomTestStringConvertible {
        let line: String
        let place: Place
        let message: String

        enum Place: Sendable { case host, container }

        init(_ place: Place, _ line: String, _ message: String) {
            self.place = place
            self.line = line
            self.message = message
        }

        var testDescription: String { line }
    }

    @Test(arguments: [
        Damage(.host, "ip link delete cni0", "the bridge cni0 is gone"),
        Damage(.host, "ip link set cni0 down", "cni0 is down"),
        Damage(.host, "ip link set cni0 address 02:00:00:00:00:09", "cni0 has the hardware address 02:00:00:00:00:09"),
        Damage(.host, "ip link set $port down", "is down"),
        Damage(.host, "ip link set $port nomaster", "is no port of cni0"),
        Damage(.host, "ip link add other type bridge; ip link set $port master other", "is no port of cni0"),
        Damage(.host, "ip link set $port type bridge_slave hairpin on", "hairpin mode on"),
        Damage(.host, "ip link set $port address 02:00:00:00:00:0a", "hardware address 02:00:00:00:00:0a"),
        Damage(.host, "ip link set $port mtu 1200", "MTU"),
        Damage(.host, "ip address delete 10.1.0.1/16 dev cni0", "lacks the gateway's address 10.1.0.1"),
        Damage(.host, "ip address delete fd01::1/64 dev cni0", "lacks the gateway's address fd01::1"),
        Damage(.host, "echo 0 >/proc/sys/net/ipv4/ip_forward", "net/ipv4/ip_forward is not 1"),
        Damage(.container, "ip link delete eth0", "eth0 is not in the sandbox"),
        Damage(.container, "ip link set eth0 down", "eth0 in the sandbox is down"),
        Damage(.container, "ip link set eth0 address 02:00:00:00:00:0b", "hardware address 02:00:00:00:00:0b"),
        Damage(.container, "ip link set eth0 mtu 1600", "MTU"),
        Damage(.container, "ip address delete 10.1.0.2/16 dev eth0", "lacks the address 10.1.0.2/16"),
        Damage(.container, "ip address delete fd01::2/64 dev eth0", "lacks the address fd01::2/64"),
        Damage(.container, "ip route delete default", "lacks the route 0.0.0.0/0 via 10.1.0.1"),
        Damage(.container, "ip -6 route delete default", "lacks the route ::/0 via fd01::1"),
        Damage(
            .container, "ip link delete eth0; ip link add eth0 type bridge; ip link set eth0 up",
            "eth0 is no veth but bridge"),
    ])
    func checkNamesWhatIsBroken(damage: Damage) throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.version = "1.1.0"
        let (text, result) = try network.add()
        let whole = try network.call("CHECK", prevResult: text)
        #expect(whole.isSuccess && whole.outcome.output.isEmpty, "\(whole)")

        let place = damage.place == .host ? lab.host : lab.container
        try place.shell("port=\(result.interfaces[1].name); \(damage.line)")
        let broken = try network.call("CHECK", prevResult: text)
        #expect(!broken.isSuccess && broken.error?.message.contains(damage.message) == true, "\(broken)")
    }

    /// A plugin after this one may isolate a port, as firewall does.
    @Test(arguments: [false, true]) func aPortMayBeMoreIsolatedThanAsked(isAsked: Bool) throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        if isAsked { network.keys += #", "portIsolation": true"# }
        let (text, result) = try network.add()
        for word in ["on", "off"] {
            try lab.host.ip("link", "set", result.interfaces[1].name, "type", "bridge_slave", "isolated", word)
            let answer = try network.call("CHECK", prevResult: text)
            #expect(answer.isSuccess == (word == "on" || !isAsked), "\(word): \(answer)")
        }
    }

    @Test func checkNeedsTheResultOfAdd() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        _ = try network.add()
        #expect(try network.call("CHECK").error?.message.hasPrefix("prevResult: expected") == true)
    }

    @Test func checkNoticesALostLease() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        let text = try network.add().text
        try FileManager.default.removeItem(atPath: lab.path("data/net1/10.1.0.2"))
        let answer = try network.call("CHECK", prevResult: text)
        #expect(!answer.isSuccess && answer.error != nil, "\(answer)")
    }

    @Test func anMTUOfTheConfigurationIsCheckedWhereTheResultDoesNotTellIt() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.keys = #""mtu": 1400"#
        let (text, result) = try network.add()
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
        try lab.host.ip("link", "set", result.interfaces[1].name, "mtu", "1300")
        try lab.container.ip("link", "set", "eth0", "mtu", "1300")
        let answer = try network.call("CHECK", prevResult: text)
        let port = result.interfaces[1].name
        #expect(answer.error?.message == "\(port) has the MTU 1300, the network wants 1400", "\(answer)")
    }

    @Test func aBridgeMadeByHandMayTakeTheHardwareAddressOfAPort() throws {
        let lab = try Lab(containers: 6)
        let network = BridgeNetwork(lab)
        try lab.host.ip("link", "add", "cni0", "type", "bridge")
        let text = try network.add(container: 0).text
        for container in 1...5 { _ = try network.add(container: container) }
        let answer = try network.call("CHECK", container: 0, prevResult: text)
        #expect(answer.isSuccess, "\(answer)")
    }
}
