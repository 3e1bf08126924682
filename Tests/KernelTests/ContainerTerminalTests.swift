import JSON
import TestSupport
import Testing

/// `cnitool run` for somebody at a terminal.
@Suite(.needsLab)
struct ContainerTerminalTests {
    /// Types lines into a command on a terminal, each once the text before it has been seen; returns all that was shown, and
    /// at the end `status` and the exit status.
    private func type(
        _ scene: ContainerScene, _ command: [String], _ steps: [(seen: String, typed: String)]
    ) throws -> String {
        let program = """
            import fcntl, json, os, pty, select, struct, sys, termios, time
            steps, command = json.loads(sys.argv[1]), sys.argv[2:]
            pid, terminal = pty.fork()
            if pid == 0: os.execvp(command[0], command)
            shown, at, end = b"", 0, time.monotonic() + 40
            while time.monotonic() < end and select.select([terminal], [], [], 40)[0]:
                try: data = os.read(terminal, 65536)
                except OSError: break
                if not data: break
                shown += data
                while steps and steps[0][0].encode() in shown[at:]:
                    at = shown.index(steps[0][0].encode(), at) + len(steps[0][0])
                    if steps[0][1] == "resize": fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
                    else: os.write(terminal, steps[0][1].encode())
                    steps.pop(0)
            else: os.kill(pid, 9)
            print(shown.decode().replace("\\r\\n", "\\n") + "status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            """
        try scene.lab.write(program, to: "terminal.py")
        let texts = JSONValue.array(steps.map { [.string($0.seen), .string($0.typed)] }).text(.compact)
        try scene.lab.write(String(decoding: texts, as: UTF8.self), to: "steps.json")
        let words = command.map { "'\($0)'" }.joined(separator: " ")
        return try scene.shell(
            "python3 \(scene.lab.path("terminal.py")) \"$(cat \(scene.lab.path("steps.json")))\" \(words)"
        ).outputText
    }

    @Test func `a shell has the terminal: jobs, interrupts and sizes are its own`() throws {
        let scene = try ContainerScene.withNetworks()
        let shell = ["cnitool", "run", "-it", "--rm", "--network", "net1"] + scene.cache
        let shown = try type(
            scene, shell + ["--", "env", "PS1=ready> ", "bash", "--norc", "--noprofile", "-i"],
            [
                ("ready> ", "sh -c 'echo up=$((2+3)); exec sleep 300'\n"), ("up=5", "\u{1A}"), ("Stopped", ""),
                ("ready> ", "bg; kill %1; wait; echo jobs=$((1+1))\n"), ("jobs=2", ""),
                ("ready> ", "sh -c 'echo up=$((3+3)); exec sleep 300'\n"), ("up=6", "\u{03}"),
                ("ready> ", "resize"), ("", "stty size\n"), ("33 99", ""), ("ready> ", "exit 7\n"),
            ])
        #expect(shown.hasSuffix("status 7\n"), "\(shown)")
        #expect(!shown.contains("no job control"), "\(shown)")
        #expect(try scene.remains() == [])
    }

    @Test func `a shell that runs cnitool stops it, goes on with it, and gets the terminal back whatever happens`()
        throws
    {
        let scene = try ContainerScene()
        let run = "cnitool run --network none --"
        let shown = try type(
            scene, ["env", "PS1=ready> ", "bash", "--norc", "--noprofile", "-i"],
            [
                ("ready> ", "\(run) sh -c 'echo up=$((2+3)); exec sleep 1'\n"), ("up=5", "\u{1A}"), ("Stopped", ""),
                ("ready> ", "fg; echo status=$?.\n"), ("status=0.", ""),
                ("ready> ", "PS1=\"in\"\"ner> \" \(run) bash --norc --noprofile -i\n"), ("inner> ", "kill -9 $$\n"),
                ("ready> ", "echo status=$?.\n"), ("status=137.", ""), ("ready> ", "exit 6\n"),
            ])
        #expect(shown.hasSuffix("status 6\n"), "\(shown)")
        #expect(try scene.remains() == [])
    }

    @Test func `what interrupts the command comes once`() throws {
        let scene = try ContainerScene.withNetworks()
        let run = ["cnitool", "run", "--network", "net1"] + scene.cache
        let counting = """
            import signal, time
            count = 0
            def add(*_):
                global count
                count += 1
            signal.signal(signal.SIGINT, add)
            print("ready", flush=True)
            while not count: time.sleep(0.05)
            time.sleep(0.5)
            print("count", count)
            """
        try scene.lab.write(counting, to: "count.py")
        let counted = try type(scene, run + ["--", "python3", scene.lab.path("count.py")], [("ready", "\u{03}")])
        #expect(counted.contains("count 1\n") && counted.hasSuffix("status 0\n"), "\(counted)")
        let ended = try type(scene, run + ["--", "sh", "-c", "echo ready; exec sleep 300"], [("ready", "\u{03}")])
        #expect(ended.hasSuffix("status 130\n"), "\(ended)")
        #expect(try scene.remains() == [])
    }

    @Test func `a command that joins has the terminal as well`() throws {
        let scene = try ContainerScene()
        try scene.start("web", "--network", "none")
        let shell = ["cnitool", "exec", "-it", "web", "env", "PS1=ready> ", "bash", "--norc", "--noprofile", "-i"]
        let shown = try type(
            scene, shell,
            [
                ("ready> ", "sh -c 'echo up=$((2+3)); exec sleep 300'\n"), ("up=5", "\u{03}"),
                ("ready> ", "exit 8\n"),
            ])
        #expect(shown.hasSuffix("status 8\n") && !shown.contains("no job control"), "\(shown)")
    }
}
