import CNI
import Foundation
import TestSupport
import Testing

/// CHECK of the macvlan plugin: each promise of ADD, broken by hand.
@Suite(.needsLab, .needs(.macvlan))
struct MacvlanCheckTests {
    /// A line of shell; where to run it; what the error has to say.
    struct Damage: Sendable, CustomTestStringConvertible {
        var isOnHost = false
        let line: String
        let message: String

        var testDescription: String { line }
    }

    /// Makes the link anew, with the addresses and routes of the old one.
    private static func remade(_ what: String) -> String {
        """
        mac=$(cat /sys/class/net/eth0/address); ip link delete eth0
        \(what); ip link set eth0 address $mac; ip link set eth0 up
        ip address add 192.168.56.128/24 dev eth0; ip address add fd56::80/64 dev eth0 nodad
        ip route add default via 192.168.56.1; ip -6 route add default via fd56::1 dev eth0
        """
    }

    @Test(arguments: [
        Damage(line: "ip link delete eth0", message: "eth0 is not in the sandbox"),
        Damage(line: "ip link set eth0 down", message: "eth0 in the sandbox is down"),
        Damage(line: "ip link set eth0 address 02:00:00:00:00:0b", message: "hardware address 02:00:00:00:00:0b"),
        Damage(line: "ip link set eth0 mtu 1300", message: "eth0 has the MTU 1300"),
        Damage(line: "ip link set eth0 type macvlan mode private", message: "eth0 has mode private"),
        Damage(line: "ip link set eth0 type macvlan bcqueuelen 77", message: "eth0 has the bcqueuelen 77"),
        Damage(line: "ip address delete 192.168.56.128/24 dev eth0", message: "lacks the address 192.168.56.128/24"),
        Damage(line: "ip address delete fd56::80/64 dev eth0", message: "lacks the address fd56::80/64"),
        Damage(line: "ip route delete default", message: "lacks the route 0.0.0.0/0 via 192.168.56.1"),
        Damage(line: "ip -6 route delete default", message: "lacks the route ::/0 via fd56::1"),
        Damage(line: remade("ip link add eth0 type bridge"), message: "eth0 is no macvlan but bridge"),
        Damage(
            line: remade(
                "ip link add net1 type veth peer name net2; ip link add link net1 name eth0 type macvlan mode bridge"),
            message: "eth0 is not on enp0s8"),
        Damage(isOnHost: true, line: "ip link delete enp0s8", message: #"found "enp0s8", which is not there"#),
    ])
    func `CHECK names what is broken`(damage: Damage) throws {
        var network = try MacvlanNetwork()
        network.ipam = MacvlanNetwork.dualStack.replacing(
            #""rangeStart": "192.168.56.128""#, with: #""rangeStart": "192.168.56.128", "gateway": "192.168.56.1""#)
        network.keys += #", "bcqueuelen": 2000"#
        let text = try network.add().text
        let whole = try network.call("CHECK", prevResult: text)
        #expect(whole.isSuccess && whole.outcome.output.isEmpty, "\(whole)")
        try (damage.isOnHost ? network.lab.host : network.lab.container).shell(damage.line)
        let broken = try network.call("CHECK", prevResult: text)
        #expect(!broken.isSuccess && broken.error?.message.contains(damage.message) == true, "\(broken)")
    }

    @Test func `CHECK needs the result of ADD, and the lease`() throws {
        let network = try MacvlanNetwork()
        let text = try network.add().text
        #expect(try network.call("CHECK").error?.message.hasPrefix("prevResult: expected") == true)
        try FileManager.default.removeItem(atPath: network.lab.path("data/lan1/192.168.56.128"))
        let answer = try network.call("CHECK", prevResult: text)
        #expect(!answer.isSuccess && answer.error != nil, "\(answer)")
    }
}
