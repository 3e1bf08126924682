internal import CNI
internal import Foundation
internal import JSON
internal import NetworkAddress
internal import TestSupport
internal import Testing

@testable internal import host_local

@Suite struct HostLocalConfigurationTests {
    /// A configuration of `testdata/host-local/errors.json`, and what is wrong with it.
    struct ErrorRow: CustomTestStringConvertible {
        let testDescription: String
        let document: JSONObject
        let arguments: String
        let error: String

        static func all() throws -> [ErrorRow] {
            let file = JSONField(try JSONValue(parsing: Array(try Repository.testData("host-local/errors.json"))))
            return try file.elements().map { row in
                ErrorRow(
                    testDescription: try row["why"].string() ?? "",
                    document: (try row.object() ?? [:]).without(["why", "arguments", "error"]),
                    arguments: try row["arguments"].string() ?? "", error: try row["error"].string() ?? "")
            }
        }
    }

    private func configuration(_ document: JSONObject, _ arguments: String = "") throws -> HostLocalConfiguration {
        var whole: JSONObject = ["cniVersion": "1.0.0", "name": "net"]
        for member in document.members { whole[member.key] = member.value }
        return try HostLocalConfiguration(
            RequestConfiguration(JSONValue.object(whole).text()), arguments: CNIArguments(arguments))
    }

    @Test(arguments: try ErrorRow.all())
    func `an error names the key, what was expected and what was found`(row: ErrorRow) throws {
        let error = #expect(throws: JSONError.self) { try configuration(row.document, row.arguments) }
        #expect(error?.description == row.error)
    }

    @Test func `the runtime's ranges come first, then the old-style one, then the list`() throws {
        let configuration = try configuration([
            "ipam": ["subnet": "10.2.0.0/24", "ranges": [[["subnet": "10.3.0.0/24"], ["subnet": "10.4.0.0/24"]]]],
            "runtimeConfig": ["ipRanges": [[["subnet": "10.1.0.0/24"]], [["subnet": "fd00::/64"]]]],
        ])
        #expect(
            configuration.sets.map { $0.ranges.map(\.subnet.description) } == [
                ["10.1.0.0/24"], ["fd00::/64"], ["10.2.0.0/24"], ["10.3.0.0/24", "10.4.0.0/24"],
            ])
    }

    @Test func `requested addresses are gathered from all three places, each once`() throws {
        let configuration = try configuration(
            [
                "ipam": [
                    "ranges": [
                        [["subnet": "10.1.0.0/24"]], [["subnet": "fd00::/64"]], [["subnet": "10.2.0.0/24"]],
                        [["subnet": "10.3.0.0/24"]],
                    ]
                ],
                "args": ["cni": ["ips": ["fd00::5", "10.1.0.5"]]],
                "runtimeConfig": ["ips": ["10.1.0.5/24", "10.3.0.9/24"]],
            ], "IgnoreUnknown=1;IP=10.1.0.5;K8S_POD_NAME=web")
        #expect(configuration.requested == (try [address("10.1.0.5"), address("fd00::5"), nil, address("10.3.0.9")]))
    }

    @Test func `leases are where the reference keeps them unless dataDir says otherwise`() throws {
        let standard = try configuration(["ipam": ["subnet": "10.1.0.0/24"]])
        #expect(standard.location.description == "/var/lib/cni/networks/net")
        let other = try configuration(["ipam": ["subnet": "10.1.0.0/24", "dataDir": "/run/leases"]])
        #expect(other.location.description == "/run/leases/net")
    }

    @Test func `one range of each family suits every version`() throws {
        let configuration = try configuration([
            "cniVersion": "0.2.0", "ipam": ["ranges": [[["subnet": "10.1.0.0/24"]], [["subnet": "fd00::/64"]]]],
        ])
        #expect(configuration.sets.map(\.family) == [.ipv4, .ipv6])
    }

    @Test func `routes keep every key`() throws {
        let configuration = try configuration([
            "cniVersion": "1.1.0",
            "ipam": [
                "subnet": "10.1.0.0/24",
                "routes": [
                    [
                        "dst": "10.9.0.0/16", "gw": "10.1.0.9", "mtu": 1400, "advmss": 1300, "priority": 7,
                        "table": 100, "scope": 253,
                    ]
                ],
            ],
        ])
        #expect(
            configuration.routes == [
                AttachmentResult.Route(
                    destination: try prefix("10.9.0.0/16"), gateway: try address("10.1.0.9"), mtu: 1400, advmss: 1300,
                    priority: 7, table: 100, scope: 253)
            ])
    }
}
