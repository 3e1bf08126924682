import CNI
import Foundation
import InterfaceTestSupport
import Netlink
import NetworkAddress
import SystemPackage
import Testing

@testable import tuning

@Suite("TuningPlugin, DEL and GC")
struct TuningRemovalTests {
    @Test("DEL gives the interface back what it had, in one message, and may be repeated")
    func restores() throws {
        let scene = try TuningScene()
        let before = LinkSettings(try #require(scene.container["eth0"]))
        try scene.add(TuningAddTests.everything)
        scene.log.clear()
        for _ in 1...2 { try scene.delete() }
        #expect(LinkSettings(try #require(scene.container["eth0"])) == before)
        #expect(scene.files() == [])
        #expect(scene.log.calls.filter { $0.contains("change link") }.count == 1)
        // Sysctls go with the container.
        #expect(scene.sysctl("core/somaxconn") == "500")
    }

    @Test("a backup of the reference is restored")
    func reference() throws {
        let scene = try TuningScene()
        try scene.writeBackup(#"{ "mac": "02:99:00:00:00:01", "promisc": true, "mtu": 1450, "allmulti": true }"#)
        try scene.delete()
        let link = try #require(scene.container["eth0"])
        #expect(link.mac?.description == "02:99:00:00:00:01")
        #expect(link.mtu == 1450)
        #expect(link.isPromiscuous && link.isAllMulticast)
        #expect(link.transmitQueueLength == 1000)
        #expect(scene.files() == [])
    }

    @Test("without the sandbox, or the interface, the file goes")
    func gone() throws {
        let scene = try TuningScene()
        try scene.add(#""mtu":1400"#)
        scene.log.clear()
        try scene.delete(hasSandbox: false)
        #expect(scene.log.calls.isEmpty)
        #expect(scene.files() == [])
        try scene.add(#""mtu":1300"#)
        scene.container.remove(try #require(scene.container["eth0"]).index)
        try scene.delete()
        #expect(scene.files() == [])
    }

    @Test("DEL reads nothing but dataDir, and where that is wrong there is nothing")
    func badConfiguration() throws {
        let scene = try TuningScene()
        try scene.add(#""mtu":1400"#)
        try scene.delete(#""mtu":"x","sysctl":{"kernel.x":1},"mac":[],"args":7"#)
        #expect(scene.container["eth0"]?.mtu == 1500)
        #expect(scene.files() == [])
        for folder in [#""relative""#, "7"] {
            let request = try scene.runtime.request(#"{"dataDir":\#(folder)}"#)
            try scene.plugin.delete(scene.runtime.detaching(request))
        }
    }

    @Test("an id that makes too long a name was never added")
    func longIdentifier() throws {
        let scene = try TuningScene()
        try scene.add(#""mtu":1400"#)
        let id = String(repeating: "x", count: 300)
        try scene.delete(containerID: id)
        #expect(code { try scene.add(#""mtu":1400"#, containerID: id) } == 5)
        #expect(scene.files() == ["c1_eth0.json"])
    }

    @Test("what the kernel refuses is reported, the rest restored, and the file kept for the next attempt")
    func refused() throws {
        let scene = try TuningScene()
        try scene.add(TuningAddTests.everything)
        scene.log.fail("MAC", .resourceBusy)
        let message = failure { try scene.delete() }
        #expect(message?.contains("cannot change link eth0") == true)
        #expect(scene.container["eth0"]?.mtu == 1500)
        #expect(scene.container["eth0"]?.transmitQueueLength == 1000)
        #expect(scene.container["eth0"]?.isPromiscuous == false)
        #expect(scene.files() == ["c1_eth0.json"])
        scene.log.clear()
        try scene.delete()
        #expect(scene.container["eth0"]?.mac?.description == TuningScene.originalMAC)
        #expect(scene.files() == [])
    }

    @Test("a file that is no backup is reported once and goes", arguments: ["", "nonsense", "[]", "\"x\""])
    func corrupt(text: String) throws {
        let scene = try TuningScene()
        try scene.writeBackup(text)
        let message = failure { try scene.delete() }
        #expect(message?.contains("\(scene.backupPath()) is no backup of a link") == true)
        #expect(scene.files() == [])
        try scene.delete()
    }

    @Test("of a file that makes sense in part, that part is restored")
    func partlyCorrupt() throws {
        let scene = try TuningScene()
        try scene.writeBackup(#"{"mac":7,"mtu":"x","promisc":"y","allmulti":[],"txQLen":77}"#)
        let message = try #require(failure { try scene.delete() })
        for key in ["mac", "mtu", "promisc", "allmulti"] { #expect(message.contains("\(key): expected"), "\(message)") }
        #expect(scene.container["eth0"]?.transmitQueueLength == 77)
        #expect(scene.files() == [])
    }

    @Test("a symbolic link and a fifo are reported and go; what they lead to stays", arguments: [false, true])
    func hostile(isFifo: Bool) throws {
        let scene = try TuningScene()
        try scene.writeBackup(#"{"mtu":1300}"#, "other")
        if isFifo { mkfifo(scene.backupPath(), 0o600) } else { symlink(scene.backupPath("other"), scene.backupPath()) }
        let message = failure { try scene.delete() }
        #expect(message?.contains("cannot read the backup \(scene.backupPath()): it is ") == true)
        #expect(scene.container["eth0"]?.mtu == 1500)
        #expect(scene.files() == ["other"])
    }

    @Test("two interfaces whose files have the same name are told apart")
    func sameName() throws {
        let scene = try TuningScene()
        scene.container.makeLink(name: "b_c", kind: "veth")
        scene.container.makeLink(name: "c", kind: "veth")
        try scene.add(#""mtu":1400"#, containerID: "a", interfaceName: "b_c")
        #expect(code { try scene.add(#""mtu":1400"#, containerID: "a_b", interfaceName: "c") } == 100)
        try scene.delete(containerID: "a_b", interfaceName: "c")
        #expect(scene.files() == ["a_b_c.json"])
        try scene.delete(containerID: "a", interfaceName: "b_c")
        #expect(scene.files() == [])
        #expect(scene.container["b_c"]?.mtu == 1500)
    }

    @Test("what a killed ADD left beside the file goes with it")
    func temporary() throws {
        let scene = try TuningScene()
        try scene.add(#""mtu":1400"#)
        try scene.writeBackup("{", ".c1_eth0.json.new")
        try scene.delete()
        #expect(scene.files() == [])
    }

    // MARK: GC

    private func collect(_ scene: TuningScene, network: String = "net", living: [(id: String, name: String)]) throws {
        let living = living.map { Attachment(network: network, containerID: $0.id, interfaceName: $0.name) }
        try scene.plugin.collectGarbage(
            try scene.runtime.networkRequest(scene.json(""), network: network), living: Set(living))
    }

    @Test("GC removes the files of this network whose attachments do not live, and no others")
    func collects() throws {
        let scene = try TuningScene()
        for id in ["c1", "c2", "c3_x"] { try scene.add(#""mtu":1400"#, containerID: id) }
        try scene.add(#""mtu":1400"#, network: "other", containerID: "c4")
        // Whoever wrote these does not say whose they are, or says what cannot be.
        for name in ["ref_eth0.json", "notes.txt", "bad_eth0.json"] { try scene.writeBackup(#"{"mtu":1}"#, name) }
        try scene.writeBackup("{", "bad_eth0.json")
        try scene.writeBackup(#"{"network":"net","containerID":"c4","ifname":"eth0"}"#, "else_eth0.json")
        try scene.writeBackup(#"{"network":"net","containerID":"gone","ifname":"eth0"}"#, ".gone_eth0.json.new")
        mkfifo(scene.backupPath("fifo_eth0.json"), 0o600)
        symlink(scene.backupPath("c2_eth0.json"), scene.backupPath("link_eth0.json"))
        scene.log.clear()
        try collect(scene, living: [("c1", "eth0"), ("c2", "eth1")])
        #expect(
            scene.files() == [
                "bad_eth0.json", "c1_eth0.json", "c4_eth0.json", "else_eth0.json", "fifo_eth0.json", "link_eth0.json",
                "notes.txt", "ref_eth0.json",
            ])
        #expect(scene.log.calls.isEmpty)
        try collect(scene, living: [])
        #expect(scene.files()?.contains("c1_eth0.json") == false)
        #expect(scene.files()?.contains("c4_eth0.json") == true)
    }

    @Test("GC without a folder has nothing to do; a dataDir that is wrong is an error")
    func nothingToCollect() throws {
        let scene = try TuningScene()
        try collect(scene, living: [])
        let request = try scene.runtime.networkRequest(#"{"dataDir":"x"}"#)
        #expect(code { try scene.plugin.collectGarbage(request, living: []) } == 7)
    }
}
