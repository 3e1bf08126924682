import Foundation
import Glibc
import JSON
import TestSupport
import Testing

/// How containers end, and that nothing of them is left, whoever ends them.
@Suite(.needsLab)
struct ContainerEndTests {
    @Test(arguments: [
        (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], 137), (["/etc/passwd"], 126), (["/etc"], 126),
        (["no-such-command"], 127), (["/no/such/command"], 127), (["true"], 0),
    ])
    func `the exit status is the command's, or says why there is none`(command: [String], status: Int) throws {
        let scene = try ContainerScene()
        let outcome = try scene.tool(["run", "--network", "none", "--"] + command)
        #expect(outcome.ending == .exited(status: Int32(status)), "\(outcome)")
        #expect(outcome.errorText.isEmpty == (status != 126 && status != 127))
        #expect(try scene.remains() == [])
    }

    @Test(arguments: [("TERM", 143), ("INT", 130), ("HUP", 129), ("QUIT", 131)])
    func `a signal is passed on, and everything is removed`(signal: String, status: Int) throws {
        let scene = try ContainerScene.withNetworks()
        // A shell in the background ignores SIGINT and SIGQUIT, and a program it starts inherits that: env undoes it.
        let run = "env --default-signal cnitool run --network net1 --name web --cache \(scene.lab.path("cache"))"
        let outcome = try scene.shell(
            """
            \(run) -- sh -c 'echo "ready"; exec sleep 60' >\(scene.lab.path("out")) &
            for i in $(seq 500); do grep -q ready \(scene.lab.path("out")) && break; sleep 0.01; done
            kill -\(signal) $!; wait $!; echo $?
            """)
        #expect(outcome.outputText == "\(status)\n", "\(outcome)")
        #expect(try scene.remains() == [])
    }

    @Test func `a command may do as it likes about a signal, and is killed when its time is up`() throws {
        let scene = try ContainerScene.withNetworks()
        let stubborn = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
        try scene.start("stubborn", "--network", "net1", command: stubborn)
        let before = Date()
        #expect(try scene.succeed("stop", "-t", "1", "stubborn") == "stubborn")
        #expect(Date().timeIntervalSince(before) > 0.9)
        #expect(try scene.remains() == [])
        let missing = try scene.tool("stop", "stubborn")
        #expect(missing.ending == .exited(status: 1))
        #expect(
            missing.errorText == "Error: no container \"stubborn\" is running: \"cnitool ps\" shows those that are\n")
    }

    @Test func `what a command leaves in the background ends with it`() throws {
        let scene = try ContainerScene.withNetworks()
        let file = scene.lab.path("number")
        #expect(try scene.run("--network", "net1", "--", "sh", "-c", "sleep 300 & echo $! >\(file)").isSuccess)
        let process = try #require(number(in: file))
        #expect(waitUntil { isGone(process) })
        #expect(try scene.remains() == [])
    }

    @Test(arguments: ["ps", "network ls", "run --network none true", "gc net1", "network inspect net1"])
    func `when cnitool is killed, the next command removes everything`(next: String) throws {
        let scene = try ContainerScene.withNetworks()
        let file = scene.lab.path("number")
        try scene.start("other", "--network", "net1")
        let before = try scene.remains()
        try scene.start(
            "web", "--network", "net1", "--network", "net2", "-p", "8080:80",
            command: ["sh", "-c", "sleep 300 & echo $! >\(file); exec sleep 300"])
        #expect(waitUntil { number(in: file) != nil })
        let command = try scene.number("web", "process")
        let orphan = try #require(number(in: file))
        #expect(try scene.hosts("other").count == 4)
        #expect(kill(try scene.number("web", "supervisor"), SIGKILL) == 0)
        #expect(waitUntil { isGone(command) })
        #expect(kill(orphan, 0) == 0)
        // Without the result cache that the others use.
        let outcome = try scene.tool(next.split(separator: " ").map(String.init))
        #expect(outcome.isSuccess, "\(outcome)")
        #expect(try scene.remains() == before)
        #expect(waitUntil { isGone(orphan) })
        #expect(try scene.hosts("other").count == 2)
        // The port is free again, and the name as well.
        try scene.start("web", "--network", "net1", "-p", "8080:80")
    }

    /// The number in a file; nil where there is none yet.
    private func number(in file: String) -> pid_t? {
        (try? String(contentsOfFile: file, encoding: .utf8)).flatMap { pid_t($0.trimmingCharacters(in: .newlines)) }
    }

    /// Whether a process has ended, though nobody may have asked how.
    private func isGone(_ process: pid_t) -> Bool {
        guard kill(process, 0) == 0 else { return true }
        let status = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        return status.isEmpty || status.contains(") Z ")
    }

    /// Kills cnitool while a plugin works: what the plugin has made by then is removed once it is done.
    @Test(arguments: ["", "sleep 0.3; "])
    func `cnitool that is killed in the middle of an attachment leaves nothing`(delay: String) throws {
        let scene = try ContainerScene.withNetworks()
        let bin = scene.lab.path("plugins")
        for plugin in ["bridge", "host-local", "portmap", "firewall", "tuning"] {
            try scene.lab.write(
                """
                #!/bin/sh
                [ "$CNI_COMMAND" = ADD ] && [ \(plugin) = portmap ] && kill -9 $(sed -n 's/^PPid:\\t//p' /proc/$$/status) && \(delay)true
                exec \(Executables.path(of: plugin))
                """, to: "plugins/\(plugin)", executable: true)
        }
        let outcome = try scene.shell(
            "CNI_PATH=\(bin):\(Executables.folder) cnitool run --network net1 -p 8080:80 --cache \(scene.lab.path("cache")) -- true; echo $?"
        )
        #expect(outcome.outputText == "137\n", "\(outcome)")
        #expect(try waitUntil { try scene.containers().isEmpty })
        #expect(try scene.remains() == [])
        #expect(try scene.run("--network", "net1", "-p", "8080:80", "--", "true").isSuccess)
    }

    @Test func `in the background, a start is told by an id, and a failure as ever`() throws {
        let scene = try ContainerScene.withNetworks()
        let missing = try scene.tool(["run", "-d", "--network", "none", "--", "no-such-command"])
        #expect(missing.ending == .exited(status: 127))
        #expect(missing.outputText == "" && missing.errorText.hasPrefix("Error: there is no command no-such-command"))
        try scene.start("web", "--network", "net1")
        let taken = try scene.tool(["run", "-d", "--network", "net1", "--ip", "172.18.0.2", "--", "true"])
        #expect(taken.ending == .exited(status: 125))
        #expect(
            taken.errorText
                == "Error: --ip 172.18.0.2 is the address of container web: choose another one, or leave --ip out\n")
        let started = try scene.tool(["run", "-d", "--network", "none", "--", "sleep", "300"])
        #expect(started.isSuccess && started.errorText == "")
        let id = started.outputText.trimmingCharacters(in: .newlines)
        #expect(id.utf8.count == 64 && id.allSatisfy(\.isHexDigit))
        #expect(try scene.succeed("exec", String(id.prefix(12)), "hostname") == id.prefix(12))
        #expect(try scene.succeed("stop", id) == id)
        let shown = try scene.tool(
            [
                "run", "--rm", "-it", "-d", "--network", "none", "--name", "box", "--format", "json", "--", "sleep",
                "300",
            ])
        let document = JSONField(try JSONValue(parsing: shown.output))
        #expect(try document["name"].string() == "box")
        #expect(try document["id"].string()?.hasPrefix(scene.succeed("ps", "-q").suffix(12)) == true)
    }

    @Test func `many at a time come and go`() throws {
        let scene = try ContainerScene.withNetworks()
        let cache = scene.lab.path("cache")
        let outcome = try scene.shell(
            """
            for i in $(seq 12); do cnitool run --network net1 --cache \(cache) --name c$i -d -- sleep 300 & done; wait
            cnitool exec c1 -- grep -c 'fd00:18::' /etc/hosts
            cnitool stop $(seq -f c%g 12) | wc -l
            """)
        #expect(outcome.outputText.hasSuffix("\n12\n12\n"), "\(outcome)")
        #expect(outcome.errorText == "")
        #expect(try scene.remains() == [])
    }
}
