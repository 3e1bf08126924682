import CNI
import CNIPlugin
import InterfaceTestSupport
import LinuxSystem
import Netlink
import NetworkAddress
import SystemPackage
import Testing

@testable import macvlan

@Suite("MacvlanPlugin, ADD that fails")
struct MacvlanRollbackTests {
    /// Where ADD starts from.
    enum Start: String, CaseIterable, Sendable {
        case nothing, oldKernel, shimInUse

        func scene() throws -> MacvlanScene {
            let scene = try MacvlanScene(ipam: MacvlanScene.dualStack, echoesLinks: self != .oldKernel)
            guard self == .shimInUse else { return scene }
            scene.programs.answersForContainers["other"] = [
                "ADD": .prints(#"{"ips":[{"address":"192.0.2.9/24"},{"address":"2001:db8::9/64"}]}"#)
            ]
            let second = try scene.runtime.kernel.makeSandbox("/run/netns/two")
            try scene.add(#""hostShim":true"#, containerID: "other", sandbox: second.sandbox)
            scene.log.clear()
            scene.programs.clear()
            return scene
        }
    }

    /// What is configured: everything that can go together, and how many calls that takes at least.
    static let configurations = [
        (#""mtu":1400,"bcqueuelen":5000"#, 14), (#""disableIPv6":false,"enabledad":false,"hostShim":true"#, 18),
        (#""master":"","hostShim":true"#, 20), (#""mode":"passthru""#, 14), (#""linkInContainer":true"#, 14),
    ]

    private static let errors: [Errno] = [.notPermitted, .noMemory, .resourceBusy, .invalidArgument, .ioError]

    /// A scene in which ADD with these members succeeds; nil where there is none.
    private func scene(_ start: Start, _ members: String) throws -> MacvlanScene? {
        if start == .shimInUse && members.contains("passthru") { return nil }
        let scene = try start.scene()
        MacvlanScene.addDefaultRoute(scene.host, by: "eth0")
        scene.container.makeLink(name: "eth0", kind: "veth", isUp: true)
        return scene
    }

    @Test(
        "whichever call fails, the error names the operation, and all is as it was", arguments: Start.allCases,
        configurations)
    func everyCall(start: Start, configuration: (members: String, calls: Int)) throws {
        let members = configuration.members
        let arguments = "MAC=02:00:00:00:00:03"
        guard let untouched = try scene(start, members) else { return }
        try untouched.add(members, arguments: arguments)
        let calls = untouched.log.calls
        #expect(calls.count >= configuration.calls, "\(calls)")

        for number in 1...calls.count {
            for errno in Self.errors {
                guard let scene = try scene(start, members) else { return }
                let before = scene.runtime.kernel.snapshot
                let leases = scene.programs.leases
                scene.log.fail(call: number, errno)
                let message = failure { try scene.add(members, arguments: arguments) }
                let call = "call \(number) (\(calls[number - 1])) failing with \(errno)"
                guard let message else {
                    Issue.record("\(call): ADD succeeded")
                    continue
                }
                #expect(names(calls[number - 1], in: message), "\(call): \(message)")
                #expect(message.contains("\(errno)"), "\(call): \(message)")
                #expect(scene.log.calls[number - 1] == calls[number - 1], "\(call): another call at its place")
                #expect(scene.runtime.kernel.snapshot == before, "\(call)")
                #expect(scene.programs.leases == leases, "\(call)")
                let ofContainer = scene.programs.calls.filter { $0.containerID == "c1" }.map(\.command)
                #expect(ofContainer == [] || ofContainer == ["ADD", "DEL"], "\(call): \(ofContainer)")
            }
        }
    }

    /// Whether the message tells what was tried: the call without its place and details.
    private func names(_ call: String, in message: String) -> Bool {
        let operation = call.drop { $0 != ":" }.dropFirst(2)
        if operation.hasPrefix("write ") {
            return message.contains("cannot set \(operation.dropFirst(6).prefix { $0 != " " }) to ")
        }
        if message.contains("cannot \(operation)") { return true }
        // Details of a change come after a colon, those of a new link after its name.
        if operation.hasPrefix("add link ") {
            return message.contains("cannot \(operation.split(separator: " ").prefix(3).joined(separator: " "))")
        }
        return operation.hasPrefix("change link ") && message.contains("cannot \(operation.prefix { $0 != ":" })")
    }

    /// The link's name is found free, and taken when the link is made: the taker keeps it.
    @Test("a name that somebody takes meanwhile stays the taker's")
    func nameTakenMeanwhile() throws {
        let scene = try MacvlanScene()
        defer { scene.log.clear() }
        scene.log.failure = { _, call in
            if call.hasPrefix("host: add link net1") { scene.container.makeLink(name: "net1", kind: "macvlan") }
            return nil
        }
        #expect(failure { try scene.add() } == "cannot add link net1: \(Errno.fileExists)")
        #expect(scene.container["net1"] != nil && scene.programs.leases.isEmpty)
    }

    @Test("a link that is not in the sandbox after it was made is an error")
    func vanished() throws {
        let scene = try MacvlanScene()
        var lookups = 0
        defer { scene.log.clear() }
        scene.log.failure = { _, call in
            guard call == "sandbox: look up link net1" else { return nil }
            lookups += 1
            if lookups == 2, let index = scene.container["net1"]?.index { scene.container.remove(index) }
            return nil
        }
        #expect(failure { try scene.add() } == "net1, which was just made, is not in the sandbox")
        #expect(scene.programs.leases.isEmpty)
    }

    /// What IPAM may do instead of answering, and the code and text that ADD has then.
    static let answers: [(answer: FakePrograms.Answer, code: Int, message: String)] = [
        (.prints("garbage"), 101, "fake-ipam answered ADD with something that is no result"),
        (.prints(""), 101, "fake-ipam answered ADD with something that is no result"),
        (.prints(#"{"cniVersion":"1.1.0"}"#), 7, "ipam: fake-ipam gave no address"),
        (
            .prints(#"{"ips":[{"address":"127.0.0.1/8"}]}"#), 7,
            "ipam: expected addresses that an interface can have from fake-ipam, found 127.0.0.1/8"
        ),
        (.fails(status: 1, #"{"code":11,"msg":"pool exhausted","details":"x"}"#), 11, "pool exhausted: x"),
        (.fails(status: 3, "oops"), 101, "fake-ipam failed on ADD with exit status 3"),
        (.isKilled(signal: 9), 101, "fake-ipam was ended by signal 9 on ADD"),
    ]

    @Test("when IPAM fails, its DEL has run once and all is as it was", arguments: 0..<answers.count)
    func ipam(row: Int) throws {
        let (answer, expected, message) = Self.answers[row]
        let scene = try MacvlanScene()
        scene.programs.answers["ADD"] = answer
        let before = scene.runtime.kernel.snapshot
        #expect(try #require(failure { try scene.add() }).contains(message))
        #expect(scene.runtime.kernel.snapshot == before)
        #expect(scene.programs.commands == ["ADD", "DEL"] && scene.programs.leases.isEmpty)
        #expect(code { try scene.add() } == expected)
    }

    @Test(
        "when IPAM has no address for the host, all is as it was, and the container has none either",
        arguments: 0..<answers.count)
    func ipamForShim(row: Int) throws {
        let (answer, expected, message) = Self.answers[row]
        let scene = try MacvlanScene()
        scene.programs.answersForContainers[HostShim.containerID] = ["ADD": answer]
        let before = scene.runtime.kernel.snapshot
        let found = try #require(failure { try scene.add(#""hostShim":true"#) })
        #expect(found.contains(message), "\(found)")
        // What is wrong with the answer names IPAM itself.
        #expect(found.hasPrefix("hostShim: no address for the host: ") || expected == 7, "\(found)")
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
        #expect(code { try scene.add(#""hostShim":true"#) } == expected)
    }

    @Test("an IPAM plugin that is missing is named before anything is made")
    func missing() throws {
        let scene = try MacvlanScene()
        scene.programs.installed = []
        let before = scene.runtime.kernel.snapshot
        #expect(
            failure { try scene.add() }?.contains(#"failed to find plugin "fake-ipam" in CNI_PATH "/opt/cni/bin""#)
                == true)
        #expect(scene.runtime.kernel.snapshot == before && scene.log.position("add ") == nil)
    }

    @Test("a lock that cannot be had is named, and all is as it was")
    func noLock() throws {
        let scene = try MacvlanScene()
        let before = scene.runtime.kernel.snapshot
        let plugin = scene.plugin(lockFolder: "/proc/no-such-folder")
        let request = try scene.request(#""hostShim":true"#)
        #expect(
            failure { try plugin.add(request) }
                == "cannot lock /proc/no-such-folder/host-shim.lock: \(Errno.noSuchFileOrDirectory)")
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
        // Without a shim nobody needs it.
        try plugin.delete(scene.runtime.detaching(scene.request()))
        _ = try plugin.add(scene.request())
    }

    @Test("undoing does not stop at what cannot be undone, and does not hide why it was begun")
    func undoFails() throws {
        let scene = try MacvlanScene()
        scene.log.failure = { _, call in
            call.contains("change link net1: MAC") || call.contains("delete link") ? .ioError : nil
        }
        #expect(failure { try scene.add() } == "cannot change link net1: \(Errno.ioError)")
        #expect(scene.programs.leases.isEmpty)
    }
}
