import Foundation
import TestSupport
import Testing

/// `cnitool run` that is killed, with kill -9, before each of its system calls that change something. The next command leaves
/// nothing of it.
@Suite(
    .needsLab, .enabled(if: Subprocess.find("strace") != nil, "needs the program strace"))
struct ContainerKilledTests {
    private static let calls = [
        "mkdir", "mkdirat", "mount", "unshare", "setns", "openat", "renameat", "unlink", "unlinkat", "umount2", "flock",
        "fcntl", "fork", "vfork", "clone", "clone3", "sendmsg", "write", "ftruncate", "wait4", "waitid", "exit_group",
    ]

    @Test func `whenever it is killed, nothing is left`() throws {
        let scene = try ContainerScene.withNetworks()
        let log = scene.lab.path("strace")
        let run =
            "cnitool run --network net1 --network net2 -p 8080:80 --name web \(scene.cache.joined(separator: " ")) -- true"
        // What belongs to the networks is there from the first container on.
        try #require(try scene.shell(run).isSuccess)
        let before = try scene.lab.snapshot(files: false)
        let trace = Self.calls.joined(separator: ",")
        try #require(try scene.shell("strace -qq -o \(log) -e trace=\(trace) \(run)").isSuccess)
        var counts: [Substring: Int] = [:]
        // Of openat, only what makes something.
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        var places: [(call: Substring, number: Int)] = []
        for line in lines {
            guard let call = line.split(separator: "(").first, Self.calls.contains(String(call)) else { continue }
            counts[call, default: 0] += 1
            if call != "openat" || line.contains("O_CREAT") { places.append((call, counts[call] ?? 0)) }
        }
        #expect(places.count > 60, "\(places.count) places")
        var kills = 0
        for (call, number) in places {
            let disturbance = "-o /dev/null -e trace=\(call) -e inject=\(call):signal=SIGKILL:when=\(number)"
            if try !scene.shell("strace -qq \(disturbance) \(run)").isSuccess { kills += 1 }
            #expect(try scene.containers().isEmpty)
            let remains = try scene.remains()
            #expect(remains == [], "before \(call) \(number)")
        }
        #expect(kills > places.count * 3 / 4, "\(kills) kills at \(places.count) places")
        let changes = before.changes(to: try scene.lab.snapshot(files: false))
        #expect(changes.isEmpty, "\(changes)")
    }

    @Test func `what a plugin fails to remove is removed by the next command`() throws {
        let scene = try ContainerScene.withNetworks()
        let trap = scene.lab.path("trap")
        try scene.lab.write(
            """
            #!/bin/sh
            if [ "$CNI_COMMAND" = DEL ] && [ -e \(trap) ]; then
                echo '{"cniVersion": "1.1.0", "code": 11, "msg": "not now"}'
                exit 1
            fi
            exec \(Executables.path(of: "portmap"))
            """, to: "plugins/portmap", executable: true)
        try scene.lab.write("", to: "trap")
        let outcome = try scene.shell(
            "CNI_PATH=\(scene.lab.path("plugins")):\(Executables.folder) cnitool run --network net1 -p 8080:80 "
                + "\(scene.cache.joined(separator: " ")) -- sh -c 'exit 3'")
        #expect(outcome.ending == .exited(status: 3))
        #expect(outcome.errorText.hasPrefix("warning: not everything of container "), "\(outcome)")
        #expect(outcome.errorText.contains("not now"))
        #expect(scene.files("state").count == 2)
        let again = try scene.tool("ps")
        #expect(again.isSuccess && again.errorText.contains("not now"), "\(again)")
        try FileManager.default.removeItem(atPath: trap)
        #expect(try scene.succeed("ps").split(separator: "\n").count == 1)
        #expect(try scene.remains() == [])
    }

    @Test func `a network that fails leaves nothing of those before it`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.edit("net2") { $0.replacing("\"type\": \"tuning\"", with: "\"type\": \"missing\"") }
        let outcome = try scene.run("--network", "net1", "--network", "net2", "--", "touch", scene.lab.path("made"))
        #expect(outcome.ending == .exited(status: 125))
        #expect(outcome.errorText.hasPrefix("Error: ADD by plugin missing failed: "), "\(outcome)")
        #expect(try scene.remains() == [])
        #expect(try scene.tool("ps").errorText == "")
        #expect(!FileManager.default.fileExists(atPath: scene.lab.path("made")))
    }
}
