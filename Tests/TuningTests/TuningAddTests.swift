import CNI
import Foundation
import InterfaceTestSupport
import JSON
import Netlink
import NetworkAddress
import SystemPackage
import Testing

@testable import tuning

@Suite("TuningPlugin, ADD")
struct TuningAddTests {
    static let everything =
        #""mac":"\#(TuningScene.mac)","mtu":1400,"promisc":true,"allmulti":true,"txQLen":500,"sysctl":{"net.core.somaxconn":"500","net.ipv4.conf.IFNAME.log_martians":"1"}"#

    @Test("without keys the result is handed on, and the kernel is asked for nothing")
    func nothing() throws {
        let scene = try TuningScene()
        #expect(try scene.add("") == scene.prevResult)
        #expect(try scene.add(#""sysctl":{},"mtu":0,"mac":"""#) == scene.prevResult)
        try scene.check("")
        try scene.delete()
        #expect(scene.log.calls.isEmpty)
        #expect(scene.files() == nil)
    }

    @Test("everything at once, the link by one message, and the result says what is new of the container's interface")
    func everything() throws {
        let scene = try TuningScene()
        let result = try scene.add(Self.everything)
        let link = try #require(scene.container["eth0"])
        #expect(link.mac?.description == TuningScene.mac)
        #expect(link.mtu == 1400)
        #expect(link.isPromiscuous && link.isAllMulticast)
        #expect(link.transmitQueueLength == 500)
        #expect(scene.sysctl("core/somaxconn") == "500")
        #expect(scene.sysctl("ipv4/conf/eth0/log_martians") == "1")
        #expect(scene.log.calls.filter { $0.contains("change link") }.count == 1)

        var expected = try #require(scene.prevResult)
        expected.interfaces[2].mac = TuningScene.mac
        expected.interfaces[2].mtu = 1400
        #expect(result == expected)
        try scene.check(Self.everything)
    }

    @Test("a result without interfaces, as old versions have it, is handed on")
    func noInterfaces() throws {
        var scene = try TuningScene()
        scene.prevResult = AttachmentResult(unknown: ["x": 1])
        #expect(try scene.add(#""mtu":1400"#) == scene.prevResult)
    }

    @Test("the result of the plugins before is needed, by ADD and by CHECK")
    func prevResult() throws {
        var scene = try TuningScene()
        scene.prevResult = nil
        for members in ["", #""mtu":1400"#] {
            let request = try scene.request(members)
            #expect(code { try scene.plugin.add(request) } == 7)
            #expect(failure { try scene.plugin.check(request) }?.hasPrefix("prevResult: expected the result") == true)
        }
        #expect(scene.log.calls.isEmpty)
    }

    @Test("nothing is changed that is not wanted", arguments: LinkSettings.Key.allCases)
    func alone(key: LinkSettings.Key) throws {
        let scene = try TuningScene()
        let values: [LinkSettings.Key: String] = [
            .mac: #""\#(TuningScene.mac)""#, .mtu: "1400", .promisc: "true", .allmulti: "true", .txQLen: "500",
        ]
        let before = LinkSettings(try #require(scene.container["eth0"]))
        let value = try #require(values[key])
        try scene.add(#""\#(key.rawValue)":\#(value)"#)
        let after = LinkSettings(try #require(scene.container["eth0"]))
        #expect(after.missing(in: before).keys == [key])
        // And only that is remembered.
        let backup = try #require(try scene.backup())
        #expect(backup[key.rawValue] == before[key])
        #expect(backup.members.map(\.key).sorted() == [key.rawValue, "containerID", "ifname", "network"].sorted())
    }

    @Test("what is off can be wanted off")
    func off() throws {
        let scene = try TuningScene()
        scene.container["eth0"]?.isPromiscuous = true
        scene.container["eth0"]?.isAllMulticast = true
        try scene.add(#""promisc":false,"allmulti":false,"txQLen":0"#)
        let link = try #require(scene.container["eth0"])
        #expect(!link.isPromiscuous && !link.isAllMulticast && link.transmitQueueLength == 0)
        try scene.delete()
        let restored = try #require(scene.container["eth0"])
        #expect(restored.isPromiscuous && restored.isAllMulticast && restored.transmitQueueLength == 1000)
    }

    @Test("the backup is written before the link is changed, for root alone")
    func backup() throws {
        let scene = try TuningScene()
        let seen = Seen()
        let path = scene.backupPath()
        scene.log.failure = { _, call in
            if call.contains("change link") { seen.wasThere = FileManager.default.fileExists(atPath: path) }
            return nil
        }
        try scene.add(Self.everything)
        #expect(seen.wasThere)
        #expect(
            try scene.backup() == [
                "mac": .string(TuningScene.originalMAC), "mtu": 1500, "promisc": false, "allmulti": false,
                "txQLen": 1000, "network": "net", "containerID": "c1", "ifname": "eth0",
            ])
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(scene.backupPath()) == 0o600)
        #expect(try mode(scene.dataDir) == 0o700)
        #expect(scene.files() == ["c1_eth0.json"])
    }

    private final class Seen { var wasThere = false }

    @Test("a second ADD keeps the true values and adds those that are missing")
    func second() throws {
        let scene = try TuningScene()
        try scene.add(#""mtu":1400"#)
        try scene.add(#""mtu":1300,"promisc":true"#)
        #expect(try scene.backup()?["mtu"] == 1500)
        #expect(try scene.backup()?["promisc"] == false)
        try scene.delete()
        #expect(scene.container["eth0"]?.mtu == 1500)
        #expect(scene.container["eth0"]?.isPromiscuous == false)
    }

    @Test("after an ADD that was killed before the link was changed, and one by the reference, it is the same")
    func foreignBackup() throws {
        let scene = try TuningScene()
        try scene.writeBackup(#"{"mac":"02:99:00:00:00:01","mtu":9000,"vendor":{"a":1}}"#)
        try scene.add(Self.everything)
        let backup = try #require(try scene.backup())
        #expect(backup["mac"] == "02:99:00:00:00:01")
        #expect(backup["mtu"] == 9000)
        #expect(backup["promisc"] == false)
        #expect(backup["vendor"] == ["a": 1])
        #expect(backup["network"] == "net")
    }

    @Test(
        "a backup that is none is an error before anything is changed",
        arguments: [
            ("not JSON", "is no backup of a link"), ("[]", "is no backup of a link"), ("", "is no backup of a link"),
            (#"{"mac":7}"#, "mac: expected a hardware address"), (#"{"mtu":-1}"#, "mtu: expected a whole number"),
            (#"{"containerID":"c2","ifname":"eth0","network":"net"}"#, "it is of eth0 of container c2 on network net"),
        ])
    func badBackup(text: String, message: String) throws {
        try expectRefusal(of: text, message)
    }

    @Test("nor is one read that is longer than any backup")
    func hugeBackup() throws {
        try expectRefusal(of: String(repeating: " ", count: 70_000) + "{}", "it is larger than 65536 bytes")
    }

    private func expectRefusal(of text: String, _ message: String) throws {
        let scene = try TuningScene()
        try scene.writeBackup(text)
        let before = scene.runtime.kernel.snapshot
        let found = try #require(failure { try scene.add(Self.everything) })
        #expect(found.contains(message) && found.contains(scene.backupPath()), "\(found)")
        #expect(scene.runtime.kernel.snapshot == before)
        #expect(scene.log.position("write") == nil)
        #expect(try String(contentsOfFile: scene.backupPath(), encoding: .utf8) == text)
    }

    @Test("nor is a symbolic link, a fifo or a folder followed or waited for", arguments: [0, 1, 2])
    func hostileBackup(kind: Int) throws {
        let scene = try TuningScene()
        try scene.writeBackup(#"{"mtu":9000}"#, "other")
        switch kind {
        case 0: symlink(scene.backupPath("other"), scene.backupPath())
        case 1: mkfifo(scene.backupPath(), 0o600)
        default: mkdir(scene.backupPath(), 0o700)
        }
        let before = scene.runtime.kernel.snapshot
        let found = try #require(failure { try scene.add(#""mtu":1400"#) })
        #expect(found.contains("cannot read the backup \(scene.backupPath()): it is "), "\(found)")
        #expect(scene.runtime.kernel.snapshot == before)
    }

    @Test("an interface that is not there is an error, as long as something is wanted of it")
    func missingInterface() throws {
        let scene = try TuningScene()
        let before = scene.runtime.kernel.snapshot
        #expect(
            failure { try scene.add(Self.everything, interfaceName: "eth7") }?.contains("eth7") == true)
        #expect(scene.runtime.kernel.snapshot == before)
        try scene.add(#""sysctl":{"net.core.somaxconn":"500"}"#, interfaceName: "eth7")
        #expect(scene.sysctl("core/somaxconn") == "500")
    }

    @Test("a sysctl that is not there is named before anything is changed")
    func missingSysctl() throws {
        let scene = try TuningScene()
        let before = scene.runtime.kernel.snapshot
        let message = failure { try scene.add(#""mtu":1400,"sysctl":{"net.core.somaxconn":"1","net.core.none":"1"}"#) }
        #expect(message?.contains("the container has no kernel parameter net/core/none") == true)
        #expect(scene.runtime.kernel.snapshot == before)
        #expect(scene.files() == nil)
    }

    @Test("a sysctl that can only be written is written, and cannot be checked")
    func writeOnly() throws {
        let scene = try TuningScene()
        scene.container.makeSysctl("ipv4/route/flush", "")
        scene.log.fail("read net/ipv4/route/flush", .permissionDenied)
        let members = #""sysctl":{"net.ipv4.route.flush":"1"}"#
        try scene.add(members)
        #expect(scene.sysctl("ipv4/route/flush") == "1")
        try scene.check(members)
    }

    @Test("a sysctl that has no value yet is given one; that it has none is not what CHECK expects")
    func unset() throws {
        let scene = try TuningScene()
        scene.container.makeSysctl("ipv6/conf/eth0/stable_secret", "")
        scene.log.fail("read net/ipv6/conf/eth0/stable_secret", .ioError)
        let members = #""sysctl":{"net.ipv6.conf.IFNAME.stable_secret":"fd00::1"}"#
        try scene.add(members)
        #expect(scene.sysctl("ipv6/conf/eth0/stable_secret") == "fd00::1")
        #expect(failure { try scene.check(members) }?.contains("cannot read net/ipv6/conf/eth0/stable_secret") == true)
    }

    @Test("a sysctl that can only be read is named, with the reason")
    func readOnly() throws {
        let scene = try TuningScene()
        scene.log.fail("write net/core/somaxconn", .permissionDenied)
        let message = failure { try scene.add(#""sysctl":{"net.core.somaxconn":"1"}"#) }
        #expect(message?.contains("cannot set net/core/somaxconn to 1") == true)
        #expect(message?.contains("in a container the kernel lets what the whole machine shares only be read") == true)
    }

    @Test("a link without hardware address can get none")
    func noMAC() throws {
        let scene = try TuningScene()
        scene.container["eth0"]?.mac = nil
        #expect(failure { try scene.add(#""mac":"\#(TuningScene.mac)""#) }?.contains("no hardware address") == true)
        #expect(scene.files() == nil)
    }

    // MARK: Failures

    @Test("whichever call fails, all is as it was", arguments: [false, true])
    func everyCall(isSecond: Bool) throws {
        func scene() throws -> TuningScene {
            let scene = try TuningScene()
            if isSecond { try scene.add(#""mtu":1350,"allmulti":true"#) }
            scene.log.clear()
            return scene
        }
        let untouched = try scene()
        try untouched.add(Self.everything)
        let calls = untouched.log.calls
        #expect(calls.count == 7)
        for number in 1...calls.count {
            for errno in [Errno.noMemory, .notPermitted, .resourceBusy] {
                let scene = try scene()
                let before = scene.runtime.kernel.snapshot
                let files = scene.files()
                let backup = try scene.backup()
                scene.log.fail(call: number, errno)
                let message = failure { try scene.add(Self.everything) }
                let call = "call \(number) (\(calls[number - 1])) failing with \(errno)"
                // Values that cannot be read can be written all the same.
                if calls[number - 1].contains(": read ") && errno == .notPermitted { continue }
                #expect(message?.contains("\(errno)") == true, "\(call): \(message ?? "ADD succeeded")")
                #expect(scene.runtime.kernel.snapshot == before, "\(call)")
                #expect(scene.files() ?? [] == files ?? [], "\(call)")
                #expect(try scene.backup() == backup, "\(call)")
            }
        }
    }

    @Test("when the link cannot be set back in one, as much of it is set back as can be")
    func halfRollback() throws {
        let scene = try TuningScene()
        let kernel = HalfChange()
        defer { scene.log.clear() }
        scene.log.failure = { _, call in kernel.failure(call) }
        kernel.afterFirst = { scene.container["eth0"]?.mtu = 1400 }
        #expect(failure { try scene.add(#""mac":"\#(TuningScene.mac)","mtu":1400,"promisc":true"#) } != nil)
        // The kernel had done one part, and refuses all that is about the address.
        #expect(scene.container["eth0"]?.mtu == 1500)
        #expect(scene.container["eth0"]?.isPromiscuous == false)
    }

    private final class HalfChange {
        var afterFirst: () -> Void = {}
        private var count = 0

        func failure(_ call: String) -> Errno? {
            guard call.contains("change link"), call.contains("MAC") else { return nil }
            count += 1
            if count == 1 { afterFirst() }
            return .resourceBusy
        }
    }

    @Test("a backup that cannot be written keeps everything as it is")
    func noFolder() throws {
        let scene = try TuningScene()
        try "".write(toFile: scene.dataDir, atomically: true, encoding: .utf8)
        let before = scene.runtime.kernel.snapshot
        let message = failure { try scene.add(Self.everything) }
        #expect(message?.contains("cannot write the backup \(scene.backupPath())") == true)
        #expect(scene.runtime.kernel.snapshot == before)
        try scene.delete(Self.everything)
    }
}
