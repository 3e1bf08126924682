import CNI
import Foundation
import JSON
import TestSupport
import Testing

@testable import CNIRuntime

@Suite struct ResultCacheTests {
    private static let entry = CachedAttachment(
        attachment: Bench.webAttachment, sandboxPath: "/run/netns/web1",
        arguments: CNIArguments([.init(key: "IgnoreUnknown", value: "1"), .init(key: "K8S_POD_NAME", value: "Web")])
            ?? .none,
        capabilityArguments: ["mac": "c2:11:22:33:44:55"], configuration: Array("{\"name\": \"blue\"}".utf8),
        result: ["cniVersion": "1.0.0", "dns": [:]])

    @Test func `what is stored comes back, replaced or removed`() throws {
        let folder = try TemporaryFolder()
        let cache = ResultCache("\(folder.path)/deep/results")
        #expect(try cache.entry(of: Bench.webAttachment) == nil)
        #expect(try !cache.contains(Bench.webAttachment))
        try cache.remove(Bench.webAttachment)

        try cache.store(ResultCacheTests.entry)
        #expect(try cache.entry(of: Bench.webAttachment) == ResultCacheTests.entry)
        #expect(try cache.contains(Bench.webAttachment))
        let other = CachedAttachment(
            attachment: Bench.webAttachment, sandboxPath: "", configuration: [], result: ["cniVersion": "0.2.0"])
        try cache.store(other)
        #expect(try cache.entry(of: Bench.webAttachment) == other)
        #expect(folder.names(in: "deep/results") == ["blue-web1-eth0"])

        try cache.remove(Bench.webAttachment)
        #expect(try cache.entry(of: Bench.webAttachment) == nil)
        #expect(folder.names(in: "deep/results") == [])
    }

    @Test func `what a killed runtime left of an entry goes with it`() throws {
        let folder = try TemporaryFolder()
        let cache = ResultCache("\(folder.path)/results")
        try folder.write("{", to: "results/.blue-web1-eth0.new")
        try cache.remove(Bench.webAttachment)
        #expect(folder.names(in: "results") == [])
    }

    @Test func `writes the file that other runtimes write, for its owner only`() throws {
        let folder = try TemporaryFolder()
        try ResultCache("\(folder.path)/results").store(ResultCacheTests.entry)
        #expect(
            try folder.text(of: "results/blue-web1-eth0") == #"""
                {"kind":"cniCacheV1","containerId":"web1","config":"eyJuYW1lIjogImJsdWUifQ==","ifName":"eth0","networkName":"blue","netns":"/run/netns/web1","cniArgs":[["IgnoreUnknown","1"],["K8S_POD_NAME","Web"]],"capabilityArgs":{"mac":"c2:11:22:33:44:55"},"result":{"cniVersion":"1.0.0","dns":{}}}
                """#)
        let modes = try ["results", "results/blue-web1-eth0"].map {
            try FileManager.default.attributesOfItem(atPath: "\(folder.path)/\($0)")[.posixPermissions] as? Int
        }
        #expect(modes == [0o700, 0o600])
    }

    @Test func `reads what upstream writes`() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            String(decoding: try Repository.testData("runtime/upstream-cache-entry.json"), as: UTF8.self),
            to: "blue-web1-eth0")
        let cache = ResultCache(folder.path)
        let entry = try #require(try cache.entry(of: Bench.webAttachment))
        #expect(entry.sandboxPath == "/run/netns/web1")
        #expect(entry.arguments.description == "IgnoreUnknown=1;K8S_POD_NAME=Web")
        #expect(entry.capabilityArguments.members.map(\.key) == ["mac", "portMappings"])
        #expect(try Bench.list(String(decoding: entry.configuration, as: UTF8.self)).plugins.map(\.type) == ["bridge"])
        #expect(entry.result["x-note"] == "<&>")
        #expect(try cache.entries(ofNetwork: "blue").entries == [entry])
        // Written again it says the same.
        try cache.store(entry)
        #expect(try cache.entry(of: Bench.webAttachment) == entry)
    }

    @Test func `reads the bare results of old runtimes`() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            #"{"cniVersion":"0.3.1","ips":[{"version":"4","address":"10.1.0.5/16"}]}"#, to: "blue-web1-eth0")
        let entry = try #require(try ResultCache(folder.path).entry(of: Bench.webAttachment))
        #expect(entry.result["cniVersion"] == "0.3.1")
        #expect(entry.sandboxPath == "")
        // It does not say whose it is, so it may stand for a living attachment.
        #expect(try ResultCache(folder.path).entries(ofNetwork: "blue").damaged.count == 1)
    }

    @Test(arguments: [
        ("", "expected JSON, found no input"), (#"{"kind":"cniCacheV1""#, "kind: expected JSON"),
        (#"{"kind":"cniCacheV2"}"#, #"kind: expected "cniCacheV1", found the string "cniCacheV2""#),
        (
            #"{"kind":"cniCacheV1","networkName":"blue","containerId":"web2","ifName":"eth0","result":{}}"#,
            "expected the entry of eth0 of container web1 on network blue"
        ),
        (
            #"{"kind":"cniCacheV1","networkName":"blue","containerId":"web1","ifName":"eth0","config":"?","result":{}}"#,
            "config: expected base64 text"
        ),
        (
            #"{"kind":"cniCacheV1","networkName":"blue","containerId":"web1","ifName":"eth0","cniArgs":[["a"]],"result":{}}"#,
            "cniArgs[0]: expected a key and a value"
        ),
        (
            #"{"kind":"cniCacheV1","networkName":"blue","containerId":"web1","ifName":"eth0","cniArgs":[["a","b;C=d"]],"result":{}}"#,
            "cniArgs: expected pairs that CNI_ARGS can hold"
        ),
        (
            #"{"kind":"cniCacheV1","networkName":"blue","containerId":"web1","ifName":"eth0","result":[]}"#,
            "result: expected an object"
        ),
    ])
    func `a damaged entry is an error that names the file and the key`(text: String, reason: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(text, to: "blue-web1-eth0")
        let error = #expect(throws: RuntimeError.self) { try ResultCache(folder.path).entry(of: Bench.webAttachment) }
        #expect(
            error?.description.hasPrefix("result cache: \(folder.path)/blue-web1-eth0: \(reason)") == true,
            "\(error?.description ?? "")")
    }

    @Test func `lists the entries of one network, and what may be one of them`() throws {
        let folder = try TemporaryFolder()
        let cache = ResultCache("\(folder.path)/results")
        for (network, id) in [("blue", "b"), ("blue", "a"), ("red", "a"), ("blue-green", "a")] {
            try cache.store(
                CachedAttachment(
                    attachment: Attachment(network: network, containerID: id, interfaceName: "eth0"), sandboxPath: "/x",
                    configuration: [], result: [:]))
        }
        for name in [".blue-c-eth0.new", "red-damaged-eth0", "blue-damaged-eth0", "blue"] {
            try folder.write("{", to: "results/\(name)")
        }
        let (entries, damaged) = try cache.entries(ofNetwork: "blue")
        #expect(entries.map(\.attachment.containerID) == ["a", "b"])
        #expect(entries.allSatisfy { $0.attachment.network == "blue" })
        #expect(
            damaged.map { $0.description.components(separatedBy: ": ")[1] } == [
                "\(folder.path)/results/blue-damaged-eth0"
            ])
        #expect(try ResultCache("/nowhere/at/all").entries(ofNetwork: "blue").entries == [])
    }
}
