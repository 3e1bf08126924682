import CNI
import CNIRuntime
import Foundation
import JSON
import LinuxSystem
import TestSupport
import Testing

/// What exactly each plugin of a chain gets, from ADD over CHECK to DEL.
@Suite struct ChainingTests {
    struct Row: CustomTestStringConvertible {
        let testDescription: String
        let list: NetworkConfigurationList
        let capabilityArguments: JSONObject?
        let answers: [(key: String, text: String)]
        let checkError: String?
        let calls: [[String]]

        static func all() throws -> [Row] {
            let text = Array(try Repository.testData("runtime/chaining.json"))
            return try JSONField(try JSONValue(parsing: text)).elements().map { field in
                Row(
                    testDescription: try #require(try field["title"].string()),
                    list: try NetworkConfigurationList(JSONField(try field["list"].value)),
                    capabilityArguments: try field["capabilityArguments"].object(),
                    answers: try field["answers"].members().map { ($0.key, try $0.field.string() ?? "") },
                    checkError: try field["checkError"].string(),
                    calls: try field["calls"].elements().map { try $0.strings() })
            }
        }
    }

    @Test(arguments: try Row.all())
    func `hands every plugin exactly its input`(row: Row) throws {
        let bench = try Bench()
        for (key, text) in row.answers { bench.plugins.answers[key] = .prints(text) }
        var parameters = Bench.web
        parameters.capabilityArguments = row.capabilityArguments
        let result = try bench.runtime.add(parameters, to: row.list)
        let last = try #require(row.answers.last).text
        #expect(
            try result.value
                == AttachmentResult(JSONField(try JSONValue(parsing: Array(last.utf8))), version: row.list.version))

        // CHECK and DEL are asked without the arguments, which are then those of ADD.
        do throws(RuntimeError) {
            try bench.runtime.check(Bench.web, on: row.list)
            #expect(row.checkError == nil)
        } catch {
            #expect(error.description == row.checkError)
        }
        try bench.runtime.delete(Bench.web, from: row.list)
        #expect(bench.plugins.calls.map { [$0.summary, $0.input] } == row.calls)
        #expect(bench.folder.names(in: "results") == [])
        #expect(bench.warnings == [])
    }

    @Test func `sets every variable, keeps the others and looks in the folders`() throws {
        let bench = try Bench()
        var parameters = Bench.web
        parameters.interfaceName = "net1"
        parameters.arguments = try CNIArguments("IgnoreUnknown=1;K8S_POD_NAME=Web;IP=10.1.0.9")
        let list = try Bench.list(#"{"name": "blue", "cniVersion": "1.1.0", "plugins": [{"type": "bridge"}]}"#)
        _ = try bench.runtime.add(parameters, to: list)
        parameters.arguments = nil
        try bench.runtime.check(parameters, on: list)
        try bench.runtime.delete(parameters, from: list)
        try bench.runtime.status(of: list)
        try bench.runtime.collectGarbage(of: list, living: [])
        bench.plugins.answers["VERSION bridge"] = .prints("{}")
        _ = try bench.runtime.versions(of: list.plugins[0])

        func entries(_ command: String, _ id: String, _ sandbox: String, _ arguments: String, _ interface: String)
            -> Set<String>
        {
            [
                "HOME=/root", "EMPTY=", "CNI_COMMAND=\(command)", "CNI_CONTAINERID=\(id)", "CNI_NETNS=\(sandbox)",
                "CNI_ARGS=\(arguments)", "CNI_IFNAME=\(interface)", "CNI_PATH=/a:/b",
            ]
        }
        let arguments = "IgnoreUnknown=1;K8S_POD_NAME=Web;IP=10.1.0.9"
        let expected =
            ["ADD", "CHECK", "DEL"].map { entries($0, "web1", "/run/netns/web1", arguments, "net1") }
            + ["STATUS", "GC"].map { entries($0, "", "", "", "") } + [entries("VERSION", "dummy", "dummy", "", "dummy")]
        #expect(bench.plugins.calls.map { Set($0.environment.entries) } == expected)
        #expect(bench.plugins.calls.allSatisfy { $0.environment.entries.count == 8 })
        #expect(bench.plugins.searched == ["/a", "/b"])
    }

    @Test func `arguments given to DEL replace those of ADD`() throws {
        let bench = try Bench()
        let list = try Bench.list(
            #"{"name": "blue", "cniVersion": "1.0.0", "plugins": [{"type": "p", "capabilities": {"mac": true}}]}"#)
        var parameters = Bench.web
        parameters.arguments = try CNIArguments("A=1")
        parameters.capabilityArguments = ["mac": "one"]
        _ = try bench.runtime.add(parameters, to: list)
        parameters.arguments = try CNIArguments("B=2")
        parameters.capabilityArguments = ["mac": "two"]
        try bench.runtime.delete(parameters, from: list)
        #expect(bench.plugins.calls.map { $0.environment["CNI_ARGS"] } == ["A=1", "B=2"])
        #expect(bench.plugins.calls[1].input.contains(#""runtimeConfig":{"mac":"two"}"#))
    }

    @Test(arguments: [
        ("-x", "eth0", "container id"), ("a/b", "eth0", "container id"), ("", "eth0", "container id"),
        ("web1", "", "interface name"), ("web1", "a/b", "interface name"),
        ("web1", "sixteencharacter", "interface name"),
    ])
    func `refuses parameters before anything runs`(id: String, interface: String, name: String) throws {
        let bench = try Bench()
        let parameters = AttachmentParameters(containerID: id, sandboxPath: "/x", interfaceName: interface)
        let list = try Bench.chain()
        for call in [
            { _ = try bench.runtime.add(parameters, to: list) }, { try bench.runtime.check(parameters, on: list) },
            { try bench.runtime.delete(parameters, from: list) },
        ] {
            let error = #expect(throws: RuntimeError.self) { try call() }
            #expect(error?.description.hasPrefix("\(name): expected ") == true)
        }
        #expect(bench.plugins.calls == [])
    }
}
