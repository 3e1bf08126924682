import Foundation
import JSON
import TestSupport
import Testing

/// `cnitool network` as a process, on folders of its own. Subnets are named where it matters: the host has its own.
@Suite struct NetworkToolTests {
    /// Folders for one test.
    final class Workplace {
        let folder: TemporaryFolder

        init() throws { folder = try TemporaryFolder() }

        func run(_ arguments: String...) throws -> Subprocess.Outcome { try run(arguments) }

        func run(_ arguments: [String]) throws -> Subprocess.Outcome {
            try Subprocess.run(
                Executables.path(of: "cnitool"), ["network"] + arguments,
                environment: [
                    "PATH": "/usr/bin:/bin", "NETCONFPATH": "\(folder.path)/net.d", "CNI_PATH": "\(folder.path)/bin",
                ])
        }

        var files: [String] { folder.names(in: "net.d").filter { $0 != "cni.lock" } }
    }

    @Test func `create writes one file that everybody can read, and says its name`() throws {
        let place = try Workplace()
        let outcome = try place.run("create", "--subnet", "198.18.0.0/16", "--gateway", "198.18.0.1", "net1")
        #expect(outcome.ending == .exited(status: 0), "\(outcome)")
        #expect(outcome.outputText + outcome.errorText == "net1\n")
        #expect(place.files == ["net1.conflist"])
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(place.folder.path)/net.d/net1.conflist")
        #expect(attributes[.posixPermissions] as? Int == 0o644)
        let text = try place.folder.text(of: "net.d/net1.conflist")
        let document = JSONField(try JSONValue(parsing: Array(text.utf8)))
        #expect(try document["name"].string() == "net1")
        let ipam = try #require(try document["plugins"].elements().first)["ipam"]
        #expect(try ipam["ranges"].value == [[["subnet": "198.18.0.0/16", "gateway": "198.18.0.1"]]])
    }

    @Test func `a dry run prints the file and writes nothing`() throws {
        let place = try Workplace()
        let arguments = ["create", "--subnet", "198.18.0.0/16", "--internal", "net1"]
        let outcome = try place.run(arguments + ["--dry-run"])
        #expect(outcome.isSuccess)
        #expect(!FileManager.default.fileExists(atPath: "\(place.folder.path)/net.d"))
        #expect(try place.run(arguments).isSuccess)
        #expect(try place.folder.text(of: "net.d/net1.conflist") == outcome.outputText)
    }

    @Test func `refusals are one sentence and leave everything as it is`() throws {
        let place = try Workplace()
        #expect(try place.run("create", "--subnet", "198.18.0.0/16", "net1").isSuccess)
        try place.folder.write(#"{"name": "other"}"#, to: "net.d/taken.conflist")
        let file = "\(place.folder.path)/net.d"
        for (arguments, text) in [
            (
                ["--subnet", "198.18.5.0/24", "net2"],
                "subnet 198.18.5.0/24 overlaps 198.18.0.0/16 of network \"net1\": choose another one, or leave --subnet out to get a free one"
            ),
            (
                ["net1"],
                "there is already a network \"net1\" (\(file)/net1.conflist): choose another name, or remove it first"
            ), (["host"], "network host is always there and cannot be created: choose another name"),
        ] {
            let exact = try place.run(["create"] + arguments)
            #expect(exact.ending == .exited(status: 1))
            #expect(exact.errorText.split(separator: "\n").last.map(String.init) == "Error: \(text)")
        }
        let taken = try place.run("create", "--subnet", "198.19.0.0/16", "taken")
        #expect(
            taken.errorText.hasSuffix(
                "Error: \(file)/taken.conflist is there already, with another network in it: choose another name\n"))
        #expect(place.files == ["net1.conflist", "taken.conflist"])
        #expect(try place.run("create", "-d", "ipvlan", "a").ending == .exited(status: 64))
    }

    @Test func `networks that are created at the same time do not share a subnet`() async throws {
        let place = try Workplace()
        let path = place.folder.path
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<8 {
                group.addTask {
                    try Subprocess.run(
                        Executables.path(of: "cnitool"), ["network", "create", "net\(number)"],
                        environment: ["PATH": "/usr/bin:/bin", "NETCONFPATH": "\(path)/net.d"]
                    ).isSuccess
                }
            }
            for try await isSuccess in group { #expect(isSuccess) }
        }
        let subnets = try place.files.map { file in
            try place.folder.text(of: "net.d/\(file)").split(separator: "\n").first { $0.contains("\"subnet\"") }
        }
        #expect(subnets.count == 8)
        #expect(Set(subnets).count == 8)
    }

    @Test func `ls shows every network, and those that need no file`() throws {
        let place = try Workplace()
        #expect(try place.run("create", "--subnet", "198.18.0.0/16", "--subnet", "fd00:7::/64", "web").isSuccess)
        let cache = ["--cache", "\(place.folder.path)/results"]
        let file = "\(place.folder.path)/net.d/web.conflist"
        let outcome = try place.run(["ls"] + cache)
        #expect(outcome.errorText == "")
        #expect(
            outcome.outputText == """
                NAME  DRIVER    SUBNETS                    ATTACHMENTS  FILE
                host  host      -                          -            -
                none  loopback  -                          -            -
                web   bridge    198.18.0.0/16,fd00:7::/64  0            \(file)

                """)
        let json = JSONField(try JSONValue(parsing: try place.run(["ls", "--format", "json"] + cache).output))
        #expect(
            try json.elements().last?.value == [
                "name": "web", "driver": "bridge", "subnets": ["198.18.0.0/16", "fd00:7::/64"], "attachments": 0,
                "file": .string(file),
            ])
    }

    @Test func `ls warns of files that cannot be read, and goes on`() throws {
        let place = try Workplace()
        try place.folder.write("{", to: "net.d/broken.conflist")
        let outcome = try place.run("ls", "--cache", "\(place.folder.path)/results")
        #expect(outcome.isSuccess)
        #expect(outcome.errorText.hasPrefix("warning: passing over \(place.folder.path)/net.d/broken.conflist: "))
    }

    @Test func `rm names what it cannot remove`() throws {
        let place = try Workplace()
        for name in ["host", "none"] {
            let outcome = try place.run("rm", name)
            #expect(outcome.ending == .exited(status: 1))
            #expect(outcome.errorText == "Error: network \(name) is always there and cannot be removed\n")
        }
        let several = try place.run("rm", "one", "two").errorText.split(separator: "\n")
        #expect(several.count == 2 && several.allSatisfy { $0.hasPrefix("Error: ") }, "\(several)")
        let missing = try place.run("rm", "-f", "web")
        #expect(missing.ending == .exited(status: 1))
        #expect(missing.errorText.hasPrefix("Error: no network named \"web\" in "))
    }

    @Test func `inspect prints one array for all names, or nothing`() throws {
        let place = try Workplace()
        let arguments = ["create", "--subnet", "fd00:7::/64", "--aux-address", "router=fd00:7::9", "web"]
        #expect(try place.run(arguments).isSuccess)
        let cache = ["--cache", "\(place.folder.path)/results"]
        let outcome = try place.run(["inspect", "web", "none"] + cache)
        let documents = try JSONField(try JSONValue(parsing: outcome.output)).elements()
        #expect(try documents.map { try $0["name"].string() } == ["web", "none"])
        #expect(
            try documents[0]["ranges"].value == [
                [
                    "subnet": "fd00:7::/64", "first": "fd00:7::1", "last": "fd00:7::ffff:ffff:ffff:ffff",
                    "gateway": "fd00:7::1", "exclude": ["fd00:7::9"], "used": 0, "free": .real(0x1p64),
                ]
            ])
        #expect(try documents[0]["attachments"].value == [])
        let unknown = try place.run(["inspect", "web", "shop"] + cache)
        #expect(unknown.ending == .exited(status: 1))
        #expect(unknown.outputText == "")
        #expect(unknown.errorText.hasPrefix("Error: no network named \"shop\" in "))
    }

    @Test func `prune leaves a network alone whose attachments cannot be read`() throws {
        let place = try Workplace()
        #expect(try place.run("create", "--subnet", "198.18.0.0/16", "web").isSuccess)
        try place.folder.write("{", to: "results/web-container-eth0")
        let outcome = try place.run("prune", "--force", "--cache", "\(place.folder.path)/results")
        #expect(outcome.isSuccess)
        #expect(outcome.errorText.hasPrefix("warning: leaving network \"web\" alone: result cache: "))
        #expect(place.files == ["web.conflist"])
    }

    @Test func `several networks are created at once, or none`() throws {
        let place = try Workplace()
        let outcome = try place.run("create", "one", "two", "three")
        #expect(outcome.isSuccess && outcome.outputText == "one\ntwo\nthree\n", "\(outcome)")
        let subnets = try ["one", "two", "three"].map { name in
            let text = try place.folder.text(of: "net.d/\(name).conflist")
            let plugins = try JSONField(JSONValue(parsing: Array(text.utf8)))["plugins"].elements()
            return try #require(plugins.first)["ipam"]["ranges"].value
        }
        #expect(subnets[0] != subnets[1] && subnets[1] != subnets[2])
        let files = place.files
        for names in [["four", "two"], ["four", "four"], ["four", "no/name"]] {
            #expect(try place.run(["create"] + names).ending == .exited(status: 1), "\(names)")
        }
        #expect(try place.run("create", "--subnet", "198.18.0.0/16", "four", "five").ending == .exited(status: 64))
        #expect(place.files == files)
    }

    // MARK: On a terminal

    /// Runs a command whose standard streams are a terminal, on which `input` is typed.
    private func onTerminal(_ place: Workplace, _ input: String, _ arguments: String...) throws -> String {
        let program = """
            import os, pty, select, sys, time
            answer, arguments = sys.argv[1], sys.argv[2:]
            pid, terminal = pty.fork()
            if pid == 0: os.execv(arguments[0], arguments)
            output, typed, end = b"", not answer, time.monotonic() + 60
            while time.monotonic() < end and select.select([terminal], [], [], 60)[0]:
                try: data = os.read(terminal, 65536)
                except OSError: break
                if not data: break
                output += data
                if not typed and output.endswith(b"[y/N] "):
                    os.write(terminal, answer.encode() + b"\\n")
                    typed = True
            sys.stdout.buffer.write(output)
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            """
        let outcome = try Subprocess.run(
            "/usr/bin/python3", ["-c", program, input, Executables.path(of: "cnitool"), "network"] + arguments,
            environment: [
                "PATH": "/usr/bin:/bin", "NETCONFPATH": "\(place.folder.path)/net.d",
                "CNI_PATH": "\(place.folder.path)/bin",
            ])
        #expect(outcome.isSuccess, "\(outcome)")
        return outcome.outputText.replacing("\r\n", with: "\n")
    }

    @Test func `headings are bold on a terminal, and nowhere else`() throws {
        let place = try Workplace()
        #expect(try onTerminal(place, "", "ls").hasPrefix("\u{1B}[1mNAME"))
        #expect(try place.run("ls").outputText.hasPrefix("NAME"))
    }

    @Test func `on a terminal, prune asks, and long work shows how far it is`() throws {
        let place = try Workplace()
        let names = (1...6).map { "net\($0)" }
        let created = try onTerminal(place, "", "create", names[0], names[1], names[2], names[3], names[4], names[5])
        #expect(created.contains("\r\u{1B}[K5/6 creating net6\r\u{1B}[Knet6\n"), "\(created)")
        #expect(place.files.count == 6)
        let refused = try onTerminal(place, "n", "prune", "--cache", "\(place.folder.path)/cache")
        #expect(refused.hasPrefix("Remove \(names.joined(separator: ", "))? [y/N] "), "\(refused)")
        #expect(place.files.count == 6)
        // What a short work has done is read before a line about it could be.
        let one = try onTerminal(place, "", "create", "net7")
        #expect(one == "net7\n")
    }

    @Test(
        .enabled(
            if: ProcessInfo.processInfo.environment["CNI_BIN"] != nil,
            "times the release executable: needs CNI_BIN, the folder where it is"))
    func `two hundred networks are listed at once`() throws {
        let place = try Workplace()
        #expect(try place.run(["create"] + (1...200).map { "net\($0)" }).isSuccess)
        var times: [Duration] = []
        for _ in 0..<5 {
            let begun = ContinuousClock.now
            let outcome = try place.run("ls")
            times.append(begun.duration(to: .now))
            #expect(outcome.outputText.split(separator: "\n").count == 203, "\(outcome)")
        }
        #expect(times.contains { $0 < .milliseconds(100) }, "\(times)")
    }
}
