import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// The tuning plugin on a real kernel.
@Suite(.needsLab)
struct TuningLifecycleTests {
    static let mac = "02:00:00:00:00:0a"
    static let link = #""mac": "\#(mac)", "mtu": 1400, "promisc": true, "allmulti": true, "txQLen": 500"#
    static let everything =
        link
        + #", "sysctl": {"net.core.somaxconn": "500", "net/ipv4/conf/IFNAME/log_martians": "1", "net.ipv4.ip_local_port_range": "1024 65000"}"#

    @Test(arguments: ["1.0.0", "1.1.0"]) func addCheckAndDelete(version: String) throws {
        let lab = try Lab()
        let network = try TuningNetwork(lab, Self.everything, version: version)
        let before = try network.link()
        #expect(before.mtu == 1500 && before.txqlen == 1000 && !before.isPromiscuous && !before.isAllMulticast)
        let answer = try network.call("ADD")
        let result = try answer.result()
        #expect(
            try network.link()
                == .init(mac: Self.mac, mtu: 1400, isPromiscuous: true, isAllMulticast: true, txqlen: 500))
        #expect(try lab.container.sysctl("core/somaxconn") == "500")
        #expect(try lab.container.sysctl("ipv4/conf/eth0/log_martians") == "1")
        #expect(try lab.container.sysctl("ipv4/ip_local_port_range") == "1024\t65000")
        // Addresses and routes are still there, and the container answers by its new address.
        #expect(try lab.container.ping("10.1.0.1").isAnswered)

        var expected = try AttachmentResult(
            JSONField(JSONValue(parsing: Array(network.attached[0].utf8))), version: .latest)
        let position = try #require(expected.interfaces.firstIndex { $0.name == "eth0" })
        expected.interfaces[position].mac = Self.mac
        // Older versions do not tell it.
        if version == "1.1.0" { expected.interfaces[position].mtu = 1400 }
        #expect(result == expected)

        let text = answer.outcome.outputText
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
        // The plugin that made the interface finds it as the result says.
        let checked = try network.bridge.call("CHECK", prevResult: text)
        #expect(checked.isSuccess, "\(checked)")

        #expect(network.backups == ["container-0_eth0.json"])
        for _ in 1...2 { #expect(try network.call("DEL", prevResult: text).isSuccess) }
        #expect(try network.link() == before)
        #expect(network.backups == [])
        #expect(try network.bridge.call("DEL", prevResult: text).isSuccess)
    }

    @Test(arguments: [
        ("mtu", "link set eth0 mtu 1450", "eth0 has the MTU 1450, the network wants the MTU 1400"),
        ("mac", "link set eth0 address 02:00:00:00:00:0b", "eth0 has the hardware address 02:00:00:00:00:0b"),
        ("promisc", "link set eth0 promisc off", "eth0 has promisc off"),
        ("allmulti", "link set eth0 allmulticast off", "eth0 has allmulti off"),
        ("txQLen", "link set eth0 txqueuelen 7", "eth0 has txQLen 7"),
    ])
    func checkNoticesEveryChange(key: String, change: String, message: String) throws {
        let lab = try Lab()
        let network = try TuningNetwork(lab, Self.everything)
        let text = try network.call("ADD").outcome.outputText
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
        try lab.container.shell("ip \(change)")
        let error = try #require(try network.call("CHECK", prevResult: text).error)
        #expect(error.message.contains(message), "\(error)")
    }

    @Test func checkNoticesASysctl() throws {
        let lab = try Lab()
        let network = try TuningNetwork(lab, Self.everything)
        let text = try network.call("ADD").outcome.outputText
        try lab.container.shell("echo '1024 65001' >/proc/sys/net/ipv4/ip_local_port_range")
        let error = try #require(try network.call("CHECK", prevResult: text).error)
        #expect(error.message == "net/ipv4/ip_local_port_range is 1024\t65001, the network wants 1024 65000")
    }

    @Test func argsAndTheRuntimeHaveTheirSay() throws {
        let lab = try Lab()
        let network = try TuningNetwork(lab)
        let members =
            #""args": {"cni": {"mtu": 1300, "sysctl": {"net.core.somaxconn": "77"}}}, "#
            + #""runtimeConfig": {"sysctl": {"net.ipv4.ip_default_ttl": "9"}}"#
        let answer = try network.call("ADD", members: members, arguments: "IgnoreUnknown=1;MAC=\(Self.mac)")
        #expect(answer.isSuccess, "\(answer)")
        #expect(try network.link().mac == Self.mac)
        #expect(try network.link().mtu == 1300)
        #expect(try lab.container.sysctl("core/somaxconn") == "77")
        #expect(try lab.container.sysctl("ipv4/ip_default_ttl") == "9")
    }

    @Test func aSecondAddKeepsTheTrueValues() throws {
        let lab = try Lab()
        var network = try TuningNetwork(lab, #""mtu": 1400"#)
        let before = try network.link()
        #expect(try network.call("ADD").isSuccess)
        network.keys = Self.link
        #expect(try network.call("ADD").isSuccess)
        #expect(try network.call("DEL").isSuccess)
        #expect(try network.link() == before)
    }

    @Test(.needs(.macvlan)) func whatTheKernelRefusesIsTakenBack() throws {
        let lab = try Lab()
        // The kernel takes the address, and then refuses the MTU.
        var network = try TuningNetwork(lab, Self.everything)
        try lab.container.shell(
            "ip link add low type veth peer name low1; ip link add link low name mac0 type macvlan mode bridge")
        try lab.container.shell("ip link set eth0 name old; ip link set mac0 name eth0")
        network.keys = Self.everything.replacingOccurrences(of: "1400", with: "9000")
        let before = try lab.snapshot()
        let sysctls = ["core/somaxconn", "ipv4/ip_local_port_range"]
        let values = try sysctls.map(lab.container.sysctl)
        let answer = try network.call("ADD")
        #expect(answer.error?.message.contains("cannot change link eth0") == true, "\(answer)")
        #expect(answer.outcome.errorText.isEmpty, "\(answer)")
        let changes = before.changes(to: try lab.snapshot()).split(separator: "\n").filter { $0 != "+ folder tuning" }
        #expect(changes.isEmpty, "\(changes)")
        #expect(try sysctls.map(lab.container.sysctl) == values)
        #expect(network.backups == [])
    }

    @Test func theSandboxOrTheInterfaceMayBeGone() throws {
        let lab = try Lab(containers: 2)
        let network = try TuningNetwork(lab, Self.link)
        for container in 0...1 { #expect(try network.call("ADD", container: container).isSuccess) }
        #expect(network.backups.count == 2)
        try lab.containers[1].ip("link", "del", "eth0")
        #expect(try network.call("DEL", container: 1).isSuccess)
        lab.containers[0].remove()
        #expect(try network.call("DEL", container: 0).isSuccess)
        #expect(try network.call("DEL", variables: ["CNI_NETNS": ""]).isSuccess)
        #expect(network.backups == [])
    }

    @Test func garbageOfThisNetworkIsCollected() throws {
        let lab = try Lab(containers: 2)
        let network = try TuningNetwork(lab, Self.link)
        for container in 0...1 { #expect(try network.call("ADD", container: container).isSuccess) }
        try lab.write(#"{"mtu": 1500}"#, to: "tuning/foreign_eth0.json")
        let living = #""cni.dev/valid-attachments": [{"containerID": "container-1", "ifname": "eth0"}]"#
        let answer = try network.call("GC", members: living)
        #expect(answer.isSuccess, "\(answer)")
        #expect(network.backups == ["container-1_eth0.json", "foreign_eth0.json"])
    }

    @Test func aDeviceThatGoesBackToTheHostIsAsItWas() throws {
        let lab = try Lab()
        let network = try TuningNetwork(lab, Self.link)
        try lab.host.shell("ip link add dev0 type veth peer name dev1")
        try lab.container.shell("ip link set eth0 down; ip link set eth0 name old")
        try lab.host.shell("ip link set dev0 netns \(lab.container.name) name eth0")
        let before = try network.link()
        #expect(try network.call("ADD").isSuccess)
        #expect(try network.link() != before)
        #expect(try network.call("DEL").isSuccess)
        #expect(try network.link() == before)
    }
}
