import CNI
import CNIPlugin
import Foundation
import JSON
import LinuxSystem
import NetworkAddress
import Testing

@Suite struct DispatcherTests {
    private let plugin = FakePlugin()

    private func run(_ command: String, _ configuration: String, _ others: [String: String] = [:]) -> Outcome {
        Dispatcher(plugin).run(.call(command, configuration, others))
    }

    /// The error that was printed; fails the test where that is not one error with a non-zero status.
    private func error(_ outcome: Outcome, _ place: SourceLocation = #_sourceLocation) throws -> CNIError {
        #expect(outcome.status != 0, sourceLocation: place)
        let printed = try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any]
        #expect(printed?["cniVersion"] is String, sourceLocation: place)
        guard case .object(let object) = try JSONValue(parsing: outcome.output) else {
            throw JSONError(path: JSONPath(), expected: "an error", found: nil)
        }
        return try #require(CNIError(object), sourceLocation: place)
    }

    private let newest =
        #"{"cniVersion":"1.1.0","name":"net","cni.dev/valid-attachments":[{"containerID":"a","ifname":"b"}]}"#

    @Test(arguments: [
        ("ADD", "add eth0 of container c1 on network net in /proc/self/ns/net"),
        ("CHECK", "check eth0 of container c1 on network net in /proc/self/ns/net"),
        ("DEL", "delete eth0 of container c1 on network net in /proc/self/ns/net"), ("STATUS", "status net"),
        ("GC", #"collect ["b of container a on network net"]"#),
    ])
    func `each command calls its method once`(command: String, call: String) {
        let outcome = run(command, newest)
        #expect(plugin.calls == [call])
        #expect(outcome.status == 0)
        #expect(outcome.message.isEmpty)
        #expect(outcome.output.isEmpty == (command != "ADD"))
    }

    @Test(arguments: SpecificationVersion.allCases) func `prints the result in the version asked for`(
        version: SpecificationVersion
    ) throws {
        plugin.result = AttachmentResult(ips: [.init(address: try #require(IPPrefix("10.0.0.2/8")))])
        let outcome = run("ADD", #"{"cniVersion":"\#(version)","name":"net"}"#)
        #expect(outcome.output.last == 0x0A)
        let printed = try JSONValue(parsing: outcome.output)
        #expect(printed == (try plugin.result.json(version: version)))
    }

    @Test(arguments: ["ADD", "CHECK", "DEL", "STATUS", "GC"]) func `whatever a plugin throws is one error`(
        command: String
    ) throws {
        struct Odd: Error, CustomStringConvertible { let description = "odd" }
        let failures: [(any Error, CNIError)] = [
            (CNIError(.tryAgainLater, "later", details: "x"), CNIError(.tryAgainLater, "later", details: "x")),
            (
                JSONError(path: JSONPath("mtu"), expected: "a", found: "b"),
                CNIError(.invalidConfiguration, "mtu: expected a, found b")
            ),
            (Odd(), CNIError(.failed, "odd")),
        ]
        for (thrown, printed) in failures {
            plugin.failure = thrown
            #expect(try error(run(command, newest)) == printed)
        }
    }

    @Test(arguments: [
        ("ADD", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]),
        ("CHECK", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]),
        ("DEL", ["CNI_CONTAINERID", "CNI_IFNAME"]), ("GC", ["CNI_PATH"]), ("STATUS", []),
    ])
    func `all missing variables are named in one error`(command: String, needed: [String]) throws {
        let all = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]
        let outcome = run(command, newest, Dictionary(uniqueKeysWithValues: all.map { ($0, "") }))
        guard !needed.isEmpty else { return #expect(outcome.status == 0) }
        let error = try error(outcome)
        #expect(error.code == .invalidEnvironment)
        #expect(all.filter { error.message.contains($0) } == all.filter(needed.contains))
        #expect(plugin.calls.isEmpty)
    }

    @Test(arguments: [
        ("CNI_CONTAINERID", "../x"), ("CNI_CONTAINERID", "a b"), ("CNI_IFNAME", "eth/0"), ("CNI_IFNAME", ".."),
        ("CNI_IFNAME", "a234567890123456"), ("CNI_ARGS", "nonsense"),
    ])
    func `bad variables are refused before the plugin is asked`(name: String, value: String) throws {
        for command in ["ADD", "CHECK", "DEL"] {
            let error = try error(run(command, newest, [name: value]))
            #expect(error.code == .invalidEnvironment)
            #expect(error.message.hasPrefix(name))
        }
        #expect(plugin.calls.isEmpty)
    }

    @Test(arguments: [
        #""dns": 7"#, #""dns": {"nameservers": "x"}"#,
        #""prevResult": []"#, #""prevResult": {"ips": [{"address": "?"}]}"#,
    ])
    func `what only helps to remove cannot keep from it`(member: String) throws {
        let configuration = #"{"cniVersion":"1.1.0","name":"net","cni.dev/valid-attachments":[],\#(member)}"#
        for command in ["DEL", "GC"] { #expect(run(command, configuration).status == 0, "\(command)") }
        #expect(plugin.calls.count == 2)
        for command in ["ADD", "CHECK", "STATUS"] {
            #expect(try error(run(command, configuration)).code == .invalidConfiguration, "\(command)")
        }
        #expect(plugin.calls.count == 2)
    }

    @Test(arguments: ["add", "ADD ", "FOO", "UPDATE"]) func `an unknown command is code 4`(command: String) throws {
        #expect(try error(run(command, newest)).code == .invalidEnvironment)
        #expect(plugin.calls.isEmpty)
    }

    @Test func `without a command the plugin says what it is`() {
        let outcome = run("", "")
        #expect(outcome.status == 0)
        #expect(outcome.output.isEmpty)
        #expect(outcome.message.hasPrefix("fake: for tests\n"))
        #expect(SpecificationVersion.allCases.allSatisfy { outcome.message.contains($0.rawValue) })
    }

    @Test(arguments: [
        (#"{"cniVersion":"0.4.0"}"#, "0.4.0"), ("{}", "1.1.0"), ("", "1.1.0"), ("garbage", "1.1.0"),
        (#"{"cniVersion":"9.9.9"}"#, "1.1.0"), (#"{"cniVersion":7}"#, "1.1.0"), ("[]", "1.1.0"),
    ])
    func `VERSION answers whatever it is asked with`(input: String, version: String) throws {
        let dummies = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH", "CNI_ARGS"]
        for others in [
            [:], Dictionary(uniqueKeysWithValues: dummies.map { ($0, "dummy") }),
            Dictionary(uniqueKeysWithValues: dummies.map { ($0, "") }),
        ] {
            let outcome = run("VERSION", input, others)
            #expect(outcome.status == 0)
            let info = try VersionInfo(JSONField(try JSONValue(parsing: outcome.output)))
            #expect(info.version.rawValue == version)
            #expect(info.supported == SpecificationVersion.allCases)
        }
        #expect(plugin.calls.isEmpty)
    }

    @Test(arguments: [
        ("CHECK", SpecificationVersion.v0_4_0), ("STATUS", .v1_1_0), ("GC", .v1_1_0), ("ADD", .v0_1_0),
        ("DEL", .v0_1_0),
    ])
    func `a command needs the version that introduced it`(command: String, introduced: SpecificationVersion) throws {
        plugin.result = AttachmentResult(ips: [.init(address: try #require(IPPrefix("10.0.0.2/8")))])
        for version in SpecificationVersion.allCases {
            let outcome = run(command, #"{"cniVersion":"\#(version)","name":"net"}"#)
            if version >= introduced {
                #expect(outcome.status == 0, "\(version)")
            } else {
                #expect(try error(outcome).code == .incompatibleVersion, "\(version)")
            }
        }
    }

    @Test func `errors are printed in the version asked for, else in the newest`() throws {
        func version(_ configuration: String) throws -> JSONValue? {
            try JSONField(try JSONValue(parsing: run("ADD", configuration).output))["cniVersion"].value
        }
        #expect(try version(#"{"cniVersion":"0.3.1"}"#) == "0.3.1")
        #expect(try version(#"{"cniVersion":"9.9.9"}"#) == "1.1.0")
        #expect(try version("garbage") == "1.1.0")
    }

    // MARK: The sandbox

    @Test(arguments: ["ADD", "CHECK", "DEL"]) func `its own namespace is refused with code 8`(command: String) throws {
        let error = try error(run(command, newest, ["CNI_NETNS_OVERRIDE": ""]))
        #expect(error.code == .sandboxIsOwnNamespace)
        // DEL still releases what the attachment holds on the host, and touches nothing in the sandbox.
        #expect(plugin.calls == (command == "DEL" ? ["delete eth0 of container c1 on network net in nothing"] : []))
    }

    @Test(arguments: [("1", true), ("true", true), ("TRUE", true), ("0", false), ("yes", false), ("false", false)])
    func `CNI_NETNS_OVERRIDE lifts the refusal`(value: String, isLifted: Bool) {
        #expect((run("ADD", newest, ["CNI_NETNS_OVERRIDE": value]).status == 0) == isLifted)
    }

    @Test(arguments: ["/nonexistent/netns", "/dev/null", "/etc/passwd", "/proc/self/ns/mnt", "/", "relative", "dummy"])
    func `what is no network namespace is refused by ADD and CHECK and is gone for DEL`(path: String) throws {
        for command in ["ADD", "CHECK"] {
            let error = try error(run(command, newest, ["CNI_NETNS": path]))
            #expect(error.code == .invalidEnvironment)
            #expect(error.message.contains("CNI_NETNS") && error.message.contains(path))
        }
        #expect(plugin.calls.isEmpty)
        #expect(run("DEL", newest, ["CNI_NETNS": path]).status == 0)
        #expect(plugin.calls == ["delete eth0 of container c1 on network net in nothing"])
    }

    @Test func `DEL without CNI_NETNS reaches the plugin`() {
        #expect(run("DEL", newest, ["CNI_NETNS": ""]).status == 0)
        #expect(plugin.calls == ["delete eth0 of container c1 on network net in nothing"])
    }

    // MARK: GC

    @Test(
        arguments: [
            ("", []), (#","cni.dev/valid-attachments":null"#, []),
            (#","cni.dev/valid-attachments":[]"#, ["collect []"]),
            (#","cni.dev/attachments":[]"#, ["collect []"]),
            (
                #","cni.dev/attachments":[{"containerID":"a","ifname":"b"}],"cni.dev/valid-attachments":[{"containerID":"c","ifname":"d"}]"#,
                [#"collect ["b of container a on network net", "d of container c on network net"]"#]
            ),
        ] as [(String, [String])])
    func `GC collects only where the runtime says what lives`(keys: String, calls: [String]) {
        let outcome = run("GC", #"{"cniVersion":"1.1.0","name":"net"\#(keys)}"#)
        #expect(outcome == Outcome())
        #expect(plugin.calls == calls)
    }

    // MARK: Results that cannot be told

    @Test func `a result that the version cannot tell is taken back`() throws {
        let error = try error(run("ADD", #"{"cniVersion":"0.2.0","name":"net"}"#))
        #expect(error.code == .incompatibleVersion)
        #expect(
            plugin.calls == [
                "add eth0 of container c1 on network net in /proc/self/ns/net",
                "delete eth0 of container c1 on network net in /proc/self/ns/net",
            ])
    }

    @Test func `the request carries the arguments and how the plugin was called`() {
        final class Keeper: Plugin {
            static let summary = ""
            var request: AttachRequest?
            func add(_ request: AttachRequest) throws -> AttachmentResult {
                self.request = request
                return AttachmentResult()
            }
            func check(_ request: AttachRequest) throws {}
            func delete(_ request: DetachRequest) throws {}
        }
        let keeper = Keeper()
        let execution = Execution.call("ADD", newest, ["CNI_ARGS": "IP=10.0.0.9"])
        #expect(Dispatcher(keeper).run(execution).status == 0)
        #expect(keeper.request?.arguments["IP"] == "10.0.0.9")
        #expect(keeper.request?.execution.input == execution.input)
        #expect(keeper.request?.execution.environment == execution.environment)
    }
}
