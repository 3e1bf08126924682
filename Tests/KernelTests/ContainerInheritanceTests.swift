import Foundation
import JSON
import TestSupport
import Testing

/// What `cnitool run` was given by whoever started it, and what of that its command gets.
@Suite(.needsLab)
struct ContainerInheritanceTests {
    @Test func `everybody in a container can read its files, whatever the umask`() throws {
        let scene = try ContainerScene.withNetworks()
        let outcome = try scene.shell(
            "umask 077; cnitool run --network net1 \(scene.cache.joined(separator: " ")) -- sh -c 'umask; stat -c %a /etc/hosts'"
        )
        #expect(outcome.outputText == "0077\n644\n", "\(outcome)")
    }

    @Test func `in the background, what else was open is closed`() throws {
        let scene = try ContainerScene()
        let lock = scene.lab.path("lock")
        let outcome = try scene.shell(
            """
            (flock 9; cnitool run -d --network none -- sh -c 'ls /proc/$$/fd >\(scene.lab.path("open")); sleep 300') 9>\(lock)
            flock --nonblock \(lock) echo free
            """)
        #expect(outcome.outputText.hasSuffix("\nfree\n"), "\(outcome)")
        #expect(
            waitUntil {
                (try? String(contentsOfFile: scene.lab.path("open"), encoding: .utf8))?.isEmpty == false
            })
        // The shell keeps a file that it writes to under a number from 10 on.
        let open = try String(contentsOfFile: scene.lab.path("open"), encoding: .utf8).split(separator: "\n")
        #expect(open.filter { $0.utf8.count == 1 } == ["0", "1", "2"], "\(open)")
    }

    @Test(arguments: ["none", "net1"])
    func `who ignores the end of children does not keep cnitool from waiting for its own`(network: String) throws {
        let scene = try ContainerScene.withNetworks()
        let outcome = try scene.shell(
            """
            python3 -c "import os, signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execvp('cnitool', ['cnitool', 'run', '--network', '\(network)', '--cache', '\(scene.lab.path("cache"))', '--', 'sh', '-c', 'sed -n s/SigIgn://p /proc/self/status; exit 4'])"
            """, timeout: 20)
        #expect(outcome.ending == .exited(status: 4), "\(outcome)")
        // Nor has the command to do with it; what Python ignores, SIGPIPE and SIGXFSZ, it may ignore as well.
        let ignored = UInt64(outcome.outputText.trimmingCharacters(in: .whitespacesAndNewlines), radix: 16)
        #expect(ignored.map { $0 & (1 << UInt64(SIGCHLD - 1)) } == 0, "\(outcome)")
        #expect(try scene.remains() == [])
    }

    @Test func `what is no text reaches the command as it is`() throws {
        let scene = try ContainerScene()
        try scene.start("web", "--network", "none")
        for command in ["run --network none", "exec web"] {
            let outcome = try scene.shell(
                """
                X=$(printf 'x\\376') cnitool \(command) -- sh -c 'printf "$0 $X"' "$(printf 'a\\377')" >\(scene.lab.path("out"))
                """)
            #expect(outcome.isSuccess, "\(outcome)")
            #expect(
                FileManager.default.contents(atPath: scene.lab.path("out")) == Data([0x61, 0xFF, 0x20, 0x78, 0xFE]))
        }
    }

    @Test func `closed streams lead nowhere, and not into files that are opened later`() throws {
        let scene = try ContainerScene.withNetworks()
        let run = "cnitool run --network net1 \(scene.cache.joined(separator: " ")) --"
        let file = scene.lab.path("streams")
        let outcome = try scene.shell(
            "\(run) sh -c 'readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 | cat >\(file)' <&- >&- 2>&-")
        #expect(outcome.isSuccess, "\(outcome)")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "/dev/null\n/dev/null\n/dev/null\n")
        #expect(try scene.shell("cnitool ps >&-").isSuccess)
        #expect(try scene.remains() == [])
    }

    @Test func `a command as long as the kernel takes is run, listed and stopped`() throws {
        let scene = try ContainerScene.withNetworks()
        let outcome = try scene.shell(
            """
            long=$(printf '%0100000d' 0)
            cnitool run -d --network net1 --name long \(scene.cache.joined(separator: " ")) -- sh -c 'sleep 300' \
            $long $long $long $long $long $long $long $long $long $long $long $long $long $long $long
            """)
        #expect(outcome.isSuccess, "\(outcome)")
        #expect(try scene.succeed("ps", "--quiet").utf8.count == 12)
        #expect(try scene.succeed("stop", "--time", "0", "long") == "long")
        #expect(try scene.remains() == [])
    }

    @Test func `a record that is damaged is said once, and the sandbox is gone`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("web", "--network", "net1")
        let supervisor = try scene.number("web", "supervisor")
        let id = try #require(try scene.record("web")["id"].string())
        let sandbox = "/run/netns/cnitool-" + id.prefix(12)
        try scene.lab.write("{", to: "state/\(id)/record.json")
        #expect(kill(supervisor, SIGKILL) == 0)
        let first = try scene.tool("ps")
        #expect(
            first.isSuccess
                && first.errorText.hasPrefix("warning: the record of container \(id.prefix(12)) is damaged ("))
        #expect(!FileManager.default.fileExists(atPath: sandbox))
        #expect(try scene.tool("ps").errorText == "")
        #expect(try scene.remains().contains { $0.hasPrefix("result ") })
        #expect(try scene.tool(["gc", "net1"] + scene.cache).isSuccess)
        #expect(try scene.remains() == [])
    }

    @Test func `a folder of records that cannot be written is named`() throws {
        let scene = try ContainerScene()
        let outcome = try scene.shell(
            """
            unshare --mount sh -ec 'mkdir -p $CNITOOL_STATE; mount -t tmpfs -o nr_inodes=2 tmpfs $CNITOOL_STATE
            cnitool run --network none -- true'
            """)
        #expect(outcome.ending == .exited(status: 125))
        #expect(
            outcome.errorText == "Error: cannot write into \(scene.lab.path("state")): No space left on device\n",
            "\(outcome)")
    }
}
