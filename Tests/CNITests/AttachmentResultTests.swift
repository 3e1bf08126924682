import CNI
import Foundation
import JSON
import NetworkAddress
import TestSupport
import Testing

/// Results of every version, read and printed in every version, from the files in `testdata/results`.
@Suite struct AttachmentResultTests {
    static let files: [String] = {
        let folders = SpecificationVersion.allCases.map { "results/" + $0.rawValue }
        return folders.flatMap { (try? TestRows.files(in: $0)) ?? [] }
    }()

    @Test func `there are files for every version`() {
        for version in SpecificationVersion.allCases {
            #expect(AttachmentResultTests.files.count { $0.hasPrefix("results/\(version)/") } >= 6)
        }
    }

    @Test(arguments: files) func `is printed in every version as expected`(file: String) throws {
        let row = JSONField(try JSONValue(parsing: Array(try Repository.testData(file))))
        let input = try row["input"]
        let result = try AttachmentResult(JSONField(input.value), version: .v0_1_0)
        for version in SpecificationVersion.allCases {
            let expected = try #require(try row["outputs"][version.rawValue].value)
            if case .object(let object) = expected, case .integer(let code)? = object["error"] {
                let error = #expect(throws: CNIError.self) { try result.json(version: version) }
                #expect(error?.code.rawValue == Int(code))
            } else {
                let printed = try result.json(version: version)
                let same = try foundation(printed) == foundation(expected)
                #expect(same, "\(file) in \(version): \(String(decoding: printed.text(), as: UTF8.self))")
            }
        }
    }

    /// What a version can tell, it must not lose: reading what was printed gives the same value again.
    @Test(arguments: files) func `reading what was printed gives the same`(file: String) throws {
        let row = JSONField(try JSONValue(parsing: Array(try Repository.testData(file))))
        for version in SpecificationVersion.allCases {
            let output = try row["outputs"][version.rawValue]
            guard try output["error"].isAbsent else { continue }
            let result = try AttachmentResult(JSONField(output.value), version: version)
            #expect(try AttachmentResult(JSONField(try result.json(version: version)), version: version) == result)
        }
    }

    @Test func `every key of 1.1.0 reaches the value`() throws {
        let row = JSONField(try JSONValue(parsing: Array(try Repository.testData("results/1.1.0/dual-stack.json"))))
        let result = try AttachmentResult(try row["input"], version: .latest)
        #expect(result.interfaces.map(\.name) == ["cni0", "veth1a2b3c4d", "eth0"])
        #expect(
            result.interfaces[2]
                == .init(
                    name: "eth0", mac: "02:00:00:00:00:03", mtu: 1450, sandbox: "/run/netns/blue",
                    socketPath: "/run/vhost/1.sock", pciID: "0000:00:1f.6"))
        #expect(result.ips.map(\.address.description) == ["10.1.0.5/16", "fd00:1::5/64"])
        #expect(result.ips.map(\.interface) == [2, 2])
        #expect(result.ips.map(\.gateway) == [IPAddress("10.1.0.1"), IPAddress("fd00:1::1")])
        let destination = try #require(IPPrefix("10.9.0.0/16"))
        #expect(
            result.routes[1]
                == .init(
                    destination: destination, gateway: IPAddress("10.1.0.9"), mtu: 1400, advmss: 1360, priority: 50,
                    table: 100, scope: 253))
        #expect(result.routes[2].priority == 0)
        #expect(result.dns.domain == "example.test")
    }

    @Test func `a result without version counts as of the version asked in`() throws {
        let field = JSONField(["ips": [["address": "10.0.0.2/8"]], "ip4": ["ip": "10.0.0.3/8"]])
        #expect(try AttachmentResult(field, version: .v1_0_0).ips.map(\.address.description) == ["10.0.0.2/8"])
        #expect(try AttachmentResult(field, version: .v0_2_0).ips.map(\.address.description) == ["10.0.0.3/8"])
    }

    @Test func `unknown keys keep their order`() throws {
        let result = try AttachmentResult(
            JSONField(["cniVersion": "1.1.0", "zz": 1, "ips": [], "aa": 2, "mm": 3]), version: .latest)
        #expect(result.unknown.members.map(\.key) == ["zz", "aa", "mm"])
        guard case .object(let printed) = try result.json(version: .v1_1_0) else {
            throw JSONError(path: JSONPath(), expected: "an object", found: nil)
        }
        #expect(printed.members.map(\.key) == ["cniVersion", "dns", "zz", "aa", "mm"])
    }

    @Test func `keys of another version are not taken for what they are there`() throws {
        let old = try AttachmentResult(
            JSONField([
                "cniVersion": "0.1.0", "ip4": ["ip": "10.1.0.5/16", "address": 7], "interfaces": [["a": 2]], "ips": 3,
                "kept": 4,
            ]), version: .latest)
        let new: JSONValue = [
            "cniVersion": "1.0.0", "ips": [["address": "10.1.0.5/16"]], "dns": [:], "kept": 4,
        ]
        #expect(try old.json(version: .v1_0_0) == new)
        let newer = try AttachmentResult(
            JSONField(["cniVersion": "1.0.0", "interfaces": [["name": "eth0", "mtu": "many", "kept": 1]]]),
            version: .latest)
        #expect(
            try newer.json(version: .v1_1_0) == [
                "cniVersion": "1.1.0", "interfaces": [["name": "eth0", "kept": 1]], "dns": [:],
            ])
    }
}
