import CNI
import CNIRuntime
import Foundation
import JSON
import LinuxSystem
import Testing

/// GC, STATUS and VERSION.
@Suite struct MaintenanceTests {
    private func attach(_ bench: Bench, _ id: String, sandbox: String, to list: NetworkConfigurationList) throws {
        let parameters = AttachmentParameters(
            containerID: id, sandboxPath: sandbox, arguments: try CNIArguments("ID=\(id)"),
            capabilityArguments: ["mac": .string(id)])
        _ = try bench.runtime.add(parameters, to: list)
    }

    private let list =
        #"{"name": "blue", "cniVersion": "1.1.0", "plugins": [{"type": "a", "capabilities": {"mac": true}}, {"type": "b", "x": 1}]}"#

    @Test func `GC deletes what is not alive and tells every plugin what is`() throws {
        let bench = try Bench()
        let list = try Bench.list(self.list)
        for id in ["dead", "alive"] { try attach(bench, id, sandbox: "/run/netns/\(id)", to: list) }
        let red = try Bench.list(#"{"name": "red", "cniVersion": "1.1.0", "plugins": [{"type": "a"}]}"#)
        try attach(bench, "other", sandbox: "/x", to: red)
        let before = bench.plugins.calls.count
        let living = Attachment(network: "blue", containerID: "alive", interfaceName: "eth0")
        try bench.runtime.collectGarbage(of: list, living: [living])

        let calls = bench.plugins.calls.dropFirst(before)
        #expect(calls.map(\.summary) == ["DEL b", "DEL a", "GC a", "GC b"])
        for call in calls.prefix(2) {
            #expect(
                ["CNI_CONTAINERID", "CNI_NETNS", "CNI_ARGS", "CNI_IFNAME"].map { call.environment[$0] } == [
                    "dead", "/run/netns/dead", "ID=dead", "eth0",
                ])
        }
        let attachments = #"[{"containerID":"alive","ifname":"eth0"}]"#
        #expect(
            calls.map(\.input) == [
                #"{"type":"b","x":1,"cniVersion":"1.1.0","name":"blue","prevResult":{"cniVersion":"1.1.0"}}"#,
                #"{"type":"a","capabilities":{"mac":true},"cniVersion":"1.1.0","name":"blue","runtimeConfig":{"mac":"dead"},"prevResult":{"cniVersion":"1.1.0"}}"#,
                #"{"type":"a","capabilities":{"mac":true},"cniVersion":"1.1.0","name":"blue","cni.dev/valid-attachments":\#(attachments),"cni.dev/attachments":\#(attachments)}"#,
                #"{"type":"b","x":1,"cniVersion":"1.1.0","name":"blue","cni.dev/valid-attachments":\#(attachments),"cni.dev/attachments":\#(attachments)}"#,
            ])
        #expect(bench.folder.names(in: "results") == ["blue-alive-eth0", "red-other-eth0"])
    }

    @Test func `GC runs everything and lists all failures`() throws {
        let bench = try Bench()
        let list = try Bench.list(self.list)
        for id in ["one", "two"] { try attach(bench, id, sandbox: "/x", to: list) }
        bench.plugins.answers = ["DEL a": .fails(code: 5, message: "no"), "GC a": .dies(signal: 9)]
        let before = bench.plugins.calls.count
        let error = #expect(throws: RuntimeError.self) { try bench.runtime.collectGarbage(of: list, living: []) }
        #expect(
            error?.description
                == "DEL by plugin a failed: no (code 5); DEL by plugin a failed: no (code 5); GC by plugin a failed: a was ended by signal 9 on GC (code 101)"
        )
        #expect(bench.plugins.summaries.dropFirst(before) == ["DEL b", "DEL a", "DEL b", "DEL a", "GC a", "GC b"])
        #expect(bench.plugins.calls.last?.input.contains(#""cni.dev/valid-attachments":[]"#) == true)
    }

    @Test func `GC before 1_1_0 only deletes, and disableGC leaves everything`() throws {
        let bench = try Bench()
        let old = try Bench.chain("1.0.0")
        try attach(bench, "dead", sandbox: "/x", to: old)
        try bench.runtime.collectGarbage(of: try Bench.chain("1.1.0", #""disableGC": true,"#), living: [])
        #expect(bench.plugins.summaries == ["ADD a", "ADD b", "ADD c"])
        try bench.runtime.collectGarbage(of: old, living: [])
        #expect(bench.plugins.summaries.dropFirst(3) == ["DEL c", "DEL b", "DEL a"])
        #expect(bench.folder.names(in: "results") == [])
    }

    @Test func `an attachment lives while its sandbox does, or when nobody knows`() throws {
        let bench = try Bench()
        let list = try Bench.chain()
        try bench.folder.write("", to: "plain")
        for (id, sandbox) in [
            ("own", "/proc/self/ns/net"), ("gone", "/run/netns/no-such-namespace"),
            ("plain", "\(bench.folder.path)/plain"),
            ("below", "\(bench.folder.path)/plain/net"), ("uts", "/proc/self/ns/uts"), ("unknown", ""),
        ] { try attach(bench, id, sandbox: sandbox, to: list) }
        #expect(try bench.runtime.livingAttachments(of: "blue").map(\.containerID) == ["own", "unknown"])
        #expect(try bench.runtime.livingAttachments(of: "red") == [])

        try bench.folder.write("{", to: "results/blue-web7-eth0")
        let error = #expect(throws: RuntimeError.self) { try bench.runtime.livingAttachments(of: "blue") }
        #expect(error?.description.hasPrefix("result cache: \(bench.folder.path)/results/blue-web7-eth0: ") == true)
    }

    @Test func `STATUS asks every plugin and stops at the first that says no`() throws {
        let bench = try Bench()
        let list = try Bench.chain()
        try bench.runtime.status(of: list)
        #expect(
            bench.plugins.calls.map { [$0.summary, $0.input] }
                == ["a", "b", "c"].map { ["STATUS \($0)", #"{"type":"\#($0)","cniVersion":"1.1.0","name":"blue"}"#] })
        bench.plugins.answers["STATUS b"] = .fails(code: 50, message: "no addresses left")
        let error = #expect(throws: RuntimeError.self) { try bench.runtime.status(of: list) }
        #expect(
            error == .pluginFailed(type: "b", command: .status, error: CNIError(.notAvailable, "no addresses left")))
        #expect(bench.plugins.summaries.dropFirst(3) == ["STATUS a", "STATUS b"])
        try bench.runtime.status(of: try Bench.chain("1.0.0"))
        #expect(bench.plugins.calls.count == 5)
    }

    @Test func `VERSION tells what a plugin speaks`() throws {
        let bench = try Bench()
        let plugin = try Bench.chain().plugins[0]
        bench.plugins.answers["VERSION a"] = .prints(
            #"{"cniVersion": "1.1.0", "supportedVersions": ["0.4.0", "1.1.0", "3.0.0"]}"#)
        #expect(try bench.runtime.versions(of: plugin).supported == [.v0_4_0, .v1_1_0])
        #expect(bench.plugins.calls.first?.input == #"{"cniVersion":"1.1.0"}"#)
        bench.plugins.answers["VERSION a"] = .prints("7")
        let error = #expect(throws: RuntimeError.self) { try bench.runtime.versions(of: plugin) }
        #expect(
            error?.description.hasPrefix(
                "VERSION by plugin a failed: a answered VERSION with something that is no list of versions: ") == true)
    }
}
