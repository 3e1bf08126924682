import CNIPlugin
import InterfaceTestSupport
import Netlink
import NetworkAddress
import Testing

@testable import tuning

@Suite("TuningPlugin, CHECK")
struct TuningCheckTests {
    /// What somebody changes behind the plugin's back, and what CHECK says of it.
    @Test(
        "every setting that is no longer so is named",
        arguments: [
            ("mac", "eth0 has the hardware address 02:11:22:33:44:55, the network wants 02:00:00:00:00:0a"),
            ("mtu", "eth0 has the MTU 1500, the network wants the MTU 1400"),
            ("promisc", "eth0 has promisc off, the network wants promisc on"),
            ("allmulti", "eth0 has allmulti off, the network wants allmulti on"),
            ("txQLen", "eth0 has txQLen 1000, the network wants txQLen 500"),
            ("core/somaxconn", "net/core/somaxconn is 128, the network wants 500"),
            ("ipv4/conf/eth0/log_martians", "net/ipv4/conf/eth0/log_martians is 0, the network wants 1"),
        ])
    func changed(what: String, message: String) throws {
        let scene = try TuningScene()
        try scene.add(TuningAddTests.everything)
        try scene.check(TuningAddTests.everything)
        switch what {
        case "mac": scene.container["eth0"]?.mac = MACAddress(TuningScene.originalMAC)
        case "mtu": scene.container["eth0"]?.mtu = 1500
        case "promisc": scene.container["eth0"]?.isPromiscuous = false
        case "allmulti": scene.container["eth0"]?.isAllMulticast = false
        case "txQLen": scene.container["eth0"]?.transmitQueueLength = 1000
        default: scene.container.makeSysctl(what, try #require(TuningScene.sysctls[what]))
        }
        let found = failure { try scene.check(TuningAddTests.everything) }
        #expect(found?.replacing("wants the hardware address", with: "wants") == message)
        #expect(code { try scene.check(TuningAddTests.everything) } == 100)
    }

    @Test("what is not configured may be anything")
    func notConfigured() throws {
        let scene = try TuningScene()
        scene.container["eth0"]?.isPromiscuous = true
        try scene.check(#""mtu":1500"#)
        #expect(code { try scene.check(#""promisc":false"#) } == 100)
    }

    @Test(
        "values are compared as the kernel writes them",
        arguments: [
            ("1024 65000", "1024\t65000", true), ("1024\t65000", "1024\t65000", true), (" 1  2 ", "1\t2", true),
            ("1 2", "12", false), ("1", "1 1", false), ("cubic", "cubic", true), ("", "", true), ("", "1", false),
        ])
    func values(wanted: String, found: String, isSame: Bool) throws {
        let scene = try TuningScene()
        scene.container.makeSysctl("ipv4/ip_local_port_range", found)
        let text = wanted.replacing("\t", with: "\\t")
        let message = failure { try scene.check(#""sysctl":{"net.ipv4.ip_local_port_range":"\#(text)"}"#) }
        #expect((message == nil) == isSame, "\(message ?? "")")
    }

    @Test("sysctls of args count, and an address of the environment does")
    func args() throws {
        let scene = try TuningScene()
        let members = #""args":{"cni":{"sysctl":{"net.core.somaxconn":"500"}}}"#
        #expect(code { try scene.check(members) } == 100)
        #expect(code { try scene.check("", arguments: "MAC=\(TuningScene.mac)") } == 100)
        try scene.add(members, arguments: "MAC=\(TuningScene.mac)")
        try scene.check(members, arguments: "MAC=\(TuningScene.mac)")
    }

    @Test("an interface and a sysctl that are gone are named")
    func gone() throws {
        let scene = try TuningScene()
        #expect(
            failure { try scene.check(#""sysctl":{"net.core.none":"1"}"#) }?.contains(
                "the container has no kernel parameter net/core/none") == true)
        scene.container.remove(try #require(scene.container["eth0"]).index)
        #expect(
            failure { try scene.check(#""mtu":1500"#) } == "eth0 is not in the sandbox \(scene.runtime.sandbox.path)")
        try scene.check(#""sysctl":{"net.core.somaxconn":"128"}"#)
    }

    @Test("CHECK changes nothing and asks for no more than it needs")
    func quiet() throws {
        let scene = try TuningScene()
        try scene.check(#""mtu":1500"#)
        #expect(scene.log.calls == ["sandbox: open a netlink socket", "sandbox: look up link eth0"])
        scene.log.clear()
        try scene.check(#""sysctl":{"net.core.somaxconn":"128"}"#)
        #expect(scene.log.calls == ["sandbox: read net/core/somaxconn"])
        #expect(scene.files() == nil)
    }
}
