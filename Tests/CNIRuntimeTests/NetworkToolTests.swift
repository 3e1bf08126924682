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
}
