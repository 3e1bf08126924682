import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// The tool as a process, with shell scripts in place of plugins.
@Suite struct CNIToolTests {
    /// A folder with a network `blue` of the plugins `one` and `two`, and all that the tool needs.
    final class Workplace {
        let folder: TemporaryFolder

        init(version: String = "1.1.0", _ more: String = "") throws {
            folder = try TemporaryFolder()
            try folder.write(
                #"{"cniVersion": "\#(version)", "name": "blue", \#(more) "plugins": [{"type": "one", "capabilities": {"mac": true}}, {"type": "two"}]}"#,
                to: "net.d/10-blue.conflist")
            try FileManager.default.createDirectory(atPath: "\(folder.path)/bin/log", withIntermediateDirectories: true)
            let script = Repository.root.appending(path: "testdata/runtime/plugin.sh").path
            for name in ["one", "two"] {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(folder.path)/bin/\(name)", withDestinationPath: script)
            }
        }

        func run(_ arguments: [String], _ variables: [String: String] = [:]) throws -> Subprocess.Outcome {
            var environment = [
                "PATH": "/usr/bin:/bin", "NETCONFPATH": "\(folder.path)/net.d",
                "CNI_PATH": "\(folder.path)/none:\(folder.path)/bin",
            ]
            environment.merge(variables) { $1 }
            let usesCache = ["add", "check", "del", "gc", "status"].contains(arguments.first)
            let cache = usesCache ? ["--cache", "\(folder.path)/results"] : []
            return try Subprocess.run(Executables.path(of: "cnitool"), arguments + cache, environment: environment)
        }

        var calls: [String] {
            get throws {
                let count = folder.names(in: "bin/log").count { $0.hasSuffix(".call") }
                return try (0..<count).map {
                    try folder.text(of: "bin/log/\($0).call").trimmingCharacters(in: .newlines)
                }
            }
        }

        /// The variables of the n-th call that concern CNI.
        func variables(_ call: Int) throws -> [String] {
            try folder.text(of: "bin/log/\(call).env").split(separator: "\n").map(String.init).filter {
                $0.hasPrefix("CNI_")
            }
        }
    }

    /// What `printf %s /run/netns/blue | sha512sum` starts with.
    private let id = "cnitool-df26705e2e4ffd095eb1"
    private let netns = "/run/netns/blue"

    @Test func `add prints the result, check is silent, del leaves nothing`() throws {
        let place = try Workplace()
        let variables = [
            "CNI_ARGS": "A=1;B=2", "CAP_ARGS": #"{"mac": "c2:11:22:33:44:55", "unused": 1}"#, "CNI_IFNAME": "net1",
        ]
        let added = try place.run(["add", "blue", netns], variables)
        #expect(added.ending == .exited(status: 0))
        #expect(added.errorText == "")
        #expect(
            try JSONValue(parsing: added.output) == [
                "cniVersion": "1.1.0", "ips": [["address": "10.1.0.5/16"]], "x": 1,
            ])
        #expect(added.outputText.hasSuffix("}\n"))
        #expect(place.folder.names(in: "results") == ["blue-\(id)-net1"])
        #expect(
            try place.variables(1) == [
                "CNI_ARGS=A=1;B=2", "CNI_COMMAND=ADD", "CNI_CONTAINERID=\(id)", "CNI_IFNAME=net1", "CNI_NETNS=\(netns)",
                "CNI_PATH=\(place.folder.path)/none:\(place.folder.path)/bin",
            ])
        #expect(
            try place.folder.text(of: "bin/log/0.input")
                == #"{"type":"one","capabilities":{"mac":true},"cniVersion":"1.1.0","name":"blue","runtimeConfig":{"mac":"c2:11:22:33:44:55"}}"#
        )

        for arguments in [
            ["check", "blue", netns, "--ifname", "net1"], ["del", "blue", netns, "-i", "net1"], ["del", "blue", netns],
        ] {
            let outcome = try place.run(arguments)
            #expect(outcome.ending == .exited(status: 0))
            #expect(outcome.outputText + outcome.errorText == "")
        }
        #expect(
            try place.calls == [
                "ADD one", "ADD two", "CHECK one", "CHECK two", "DEL two", "DEL one", "DEL two", "DEL one",
            ])
        #expect(try place.variables(4).contains("CNI_ARGS=A=1;B=2"))
        #expect(place.folder.names(in: "results") == [])
    }

    @Test(arguments: ["/run/netns/blue", "/run/netns/blue/", "/run//netns/./x/../blue", "../run/netns/blue"])
    func `the container's id comes from the absolute path, as upstream derives it`(path: String) throws {
        let sum = try Subprocess.run("/usr/bin/sha512sum", input: Array(netns.utf8)).outputText.prefix(20)
        #expect(id == "cnitool-\(sum)")
        let place = try Workplace()
        let outcome = try Subprocess.run(
            "/bin/sh", ["-c", "cd /tmp && exec \"$@\"", "sh", Executables.path(of: "cnitool"), "del", "blue", path],
            environment: [
                "PATH": "/usr/bin:/bin", "NETCONFPATH": "\(place.folder.path)/net.d",
                "CNI_PATH": "\(place.folder.path)/bin",
            ])
        #expect(outcome.isSuccess, "\(outcome)")
        #expect(try place.variables(0).contains("CNI_CONTAINERID=\(id)"))
        #expect(try place.variables(0).contains("CNI_NETNS=\(netns)"))
    }

    @Test(arguments: [
        ("kill -9 $$", "ADD by plugin two failed: two was ended by signal 9 on ADD (code 101)"),
        (
            "echo garbage; exit 0",
            "ADD by plugin two failed: two answered ADD with something that is no result: expected JSON, found '[' or '{' expected near 'garbage' (line 1, column 7): it printed \"garbage?\" (code 101)"
        ),
        (
            "echo noise >&2; exit 3",
            "ADD by plugin two failed: two failed on ADD with exit status 3 and no error of its own: it printed nothing (code 101)"
        ),
        (
            #"echo '{"cniVersion":"1.1.0","code":11,"msg":"no addresses left","details":"254 of 254 taken"}'; exit 1"#,
            "ADD by plugin two failed: no addresses left: 254 of 254 taken (code 11)"
        ),
        (
            "head -c 9000000 /dev/zero; exit 0",
            "ADD by plugin two failed: two printed too much on ADD: more than 8388608 bytes (code 101)"
        ),
    ])
    func `a plugin that fails is named in one sentence, and what was made is taken back`(
        behaviour: String, message: String
    ) throws {
        let place = try Workplace()
        try place.folder.write("if [ $CNI_COMMAND = ADD ]; then \(behaviour); fi", to: "bin/two.behaviour")
        let outcome = try place.run(["add", "blue", netns])
        #expect(outcome.ending == .exited(status: 1))
        #expect(outcome.outputText == "")
        #expect(outcome.errorText == (behaviour.contains("noise") ? "noise\n" : "") + "Error: \(message)\n")
        #expect(try place.calls == ["ADD one", "ADD two", "DEL two", "DEL one"])
        #expect(place.folder.names(in: "results") == [])
    }

    @Test func `a plugin that is missing is named with the remedy`() throws {
        let place = try Workplace()
        try FileManager.default.removeItem(atPath: "\(place.folder.path)/bin/two")
        let outcome = try place.run(["add", "blue", netns], ["CNI_PATH": "\(place.folder.path)/bin"])
        #expect(outcome.ending == .exited(status: 1))
        #expect(
            outcome.errorText
                == "Error: ADD by plugin two failed: failed to find plugin \"two\" in CNI_PATH \"\(place.folder.path)/bin\": install it there, or add its folder to CNI_PATH (code 101)\n"
        )
        #expect(try place.calls == ["ADD one", "DEL one"])
    }

    @Test func `del goes on after a failure and can be repeated`() throws {
        let place = try Workplace()
        _ = try place.run(["add", "blue", netns])
        try place.folder.write("[ $CNI_COMMAND = DEL ] && kill -9 $$", to: "bin/two.behaviour")
        let failed = try place.run(["del", "blue", netns])
        #expect(failed.ending == .exited(status: 1))
        #expect(failed.errorText == "Error: DEL by plugin two failed: two was ended by signal 9 on DEL (code 101)\n")
        #expect(try place.calls.suffix(2) == ["DEL two", "DEL one"])
        #expect(place.folder.names(in: "results").count == 1)
        try FileManager.default.removeItem(atPath: "\(place.folder.path)/bin/two.behaviour")
        #expect(try place.run(["del", "blue", netns]).isSuccess)
        #expect(place.folder.names(in: "results") == [])
    }

    @Test func `gc deletes attachments without a namespace and passes those that have one`() throws {
        let place = try Workplace()
        let own = "/proc/\(ProcessInfo.processInfo.processIdentifier)/ns/net"
        for path in [own, "/run/netns/no-such-namespace"] { #expect(try place.run(["add", "blue", path]).isSuccess) }
        let outcome = try place.run(["gc", "blue"])
        #expect(outcome.ending == .exited(status: 0))
        #expect(outcome.errorText == "")
        #expect(try place.calls.dropFirst(4) == ["DEL two", "DEL one", "GC one", "GC two"])
        #expect(try place.variables(4).contains("CNI_NETNS=/run/netns/no-such-namespace"))
        let living = try #require(place.folder.names(in: "results").first)
        let id = try #require(living.split(separator: "-").dropFirst(2).first)
        #expect(
            try place.folder.text(of: "bin/log/7.input").contains(
                #""cni.dev/valid-attachments":[{"containerID":"cnitool-\#(id)","ifname":"eth0"}]"#))
        #expect(place.folder.names(in: "results").count == 1)
    }

    @Test func `gc does nothing while an entry of the network is damaged`() throws {
        let place = try Workplace()
        try place.folder.write("{", to: "results/blue-web1-eth0")
        let outcome = try place.run(["gc", "blue"])
        #expect(outcome.ending == .exited(status: 1))
        #expect(outcome.errorText.hasPrefix("Error: result cache: \(place.folder.path)/results/blue-web1-eth0: "))
        #expect(
            outcome.errorText.hasSuffix(
                ": a living attachment may hide behind it, so delete that attachment, or the file, first\n"))
        #expect(try place.calls == [])
    }

    @Test func `del passes over a damaged entry and removes it`() throws {
        let place = try Workplace()
        try place.folder.write("{", to: "results/blue-\(id)-eth0")
        let outcome = try place.run(["del", "blue", netns])
        #expect(outcome.ending == .exited(status: 0))
        #expect(outcome.errorText.hasPrefix("warning: going on without the cached result, because it is damaged: "))
        #expect(place.folder.names(in: "results") == [])
    }

    @Test func `status asks the plugins, and says when it cannot`() throws {
        let place = try Workplace()
        #expect(try place.run(["status", "blue", "ignored"]).ending == .exited(status: 0))
        #expect(try place.calls == ["STATUS one", "STATUS two"])
        try place.folder.write(#"echo '{"code":50,"msg":"no addresses left"}'; exit 1"#, to: "bin/one.behaviour")
        let full = try place.run(["status", "blue"])
        #expect(full.ending == .exited(status: 1))
        #expect(full.errorText == "Error: STATUS by plugin one failed: no addresses left (code 50)\n")

        let old = try Workplace(version: "1.0.0")
        let outcome = try old.run(["status", "blue"])
        #expect(outcome.ending == .exited(status: 0))
        #expect(
            outcome.errorText == "warning: nobody was asked: network blue has cniVersion 1.0.0, STATUS needs 1.1.0\n")
        #expect(try old.calls == [])
    }

    @Test func `what a network disables is said`() throws {
        let place = try Workplace(#""disableCheck": true, "disableGC": true,"#)
        #expect(
            try place.run(["check", "blue", netns]).errorText
                == "warning: nothing is checked: network blue says disableCheck\n")
        #expect(
            try place.run(["gc", "blue"]).errorText == "warning: nothing is removed: network blue says disableGC\n")
        #expect(try place.calls == [])
    }

    @Test func `version tells what the tool and the plugins speak`() throws {
        let place = try Workplace()
        #expect(
            try place.run(["version"]).outputText
                == "cnitool speaks CNI 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n")
        #expect(
            try place.run(["version", "blue"]).outputText
                == "network blue has cniVersion 1.1.0\nplugin one speaks 1.0.0, 1.1.0\nplugin two speaks 1.0.0, 1.1.0\n"
        )
        try place.folder.write("kill -9 $$", to: "bin/one.behaviour")
        let outcome = try place.run(["version", "blue"])
        #expect(outcome.ending == .exited(status: 1))
        #expect(outcome.outputText == "network blue has cniVersion 1.1.0\nplugin two speaks 1.0.0, 1.1.0\n")
        #expect(
            outcome.errorText
                == "Error: VERSION by plugin one failed: one was ended by signal 9 on VERSION (code 101)\n")
    }

    @Test(
        arguments: [
            (["add"], [:], "Missing expected argument '<network>'"),
            (["add", "blue"], [:], "Missing expected argument '<netns>'"),
            (["add", "blue", ""], [:], "the path of the network namespace is empty"),
            (["attached"], [:], "Unexpected argument 'attached'"),
            (["add", "blue", "/x"], ["CAP_ARGS": "[]"], "CAP_ARGS: expected one JSON object"),
            (["add", "blue", "/x"], ["CAP_ARGS": "{"], "CAP_ARGS: expected one JSON object"),
            (["add", "blue", "/x"], ["CNI_ARGS": "novalue"], "CNI_ARGS: expected KEY=value pairs"),
            (["gc"], [:], "Missing expected argument '<network>'"),
        ] as [([String], [String: String], String)])
    func `wrong usage is status 64`(arguments: [String], variables: [String: String], message: String) throws {
        let place = try Workplace()
        let outcome = try place.run(arguments, variables)
        #expect(outcome.ending == .exited(status: 64))
        #expect(outcome.errorText.hasPrefix("Error: \(message)"), "\(outcome)")
        #expect(try place.calls == [])
    }

    @Test(
        arguments: [
            (
                ["add", "red", "/x"], [:],
                "no network named \"red\" in FOLDER/net.d: check the name, or set NETCONFPATH to the folder that has it"
            ),
            (
                ["add", "blue", "/x", "-i", "much-too-long-a-name"], [:],
                "interface name: expected 1 to 15 characters other than '/', ':' and white space, found \"much-too-long-a-name\""
            ),
            (
                ["check", "blue", "/run/netns/blue"], [:],
                "there is no eth0 of container cnitool-df26705e2e4ffd095eb1 on network blue in the result cache: add it first"
            ),
            (
                ["status", "blue"], ["NETCONFPATH": "/nowhere"],
                "no network named \"blue\" in /nowhere: check the name, or set NETCONFPATH to the folder that has it"
            ),
        ] as [([String], [String: String], String)])
    func `other failures are status 1 and one sentence`(
        arguments: [String], variables: [String: String], message: String
    ) throws {
        let place = try Workplace()
        let outcome = try place.run(arguments, variables)
        #expect(outcome.ending == .exited(status: 1))
        #expect(outcome.errorText == "Error: \(message.replacing("FOLDER", with: place.folder.path))\n")
        #expect(try place.calls == [])
    }

    @Test func `a damaged file that comes first is named`() throws {
        let place = try Workplace()
        try place.folder.write("{", to: "net.d/00.conflist")
        let outcome = try place.run(["status", "blue"])
        #expect(outcome.ending == .exited(status: 0))
        #expect(
            outcome.errorText.hasPrefix("warning: passing over \(place.folder.path)/net.d/00.conflist: expected JSON"))
    }

    @Test(arguments: ["", "add", "check", "del", "gc", "status", "version"])
    func `every command explains itself`(command: String) throws {
        let outcome = try Subprocess.run(
            Executables.path(of: "cnitool"), [command, "--help"].filter { !$0.isEmpty }, environment: ["COLUMNS": "100"]
        )
        #expect(outcome.ending == .exited(status: 0))
        #expect(outcome.outputText.contains("USAGE: cnitool \(command)"))
    }
}
