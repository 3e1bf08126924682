internal import Foundation
internal import JSON
internal import Testing

@testable internal import host_local

/// The built executable as a process, alone.
@Suite(.serialized) struct HostLocalProgramTests {
    private let temporary: TemporaryDirectory
    private let ours: HostLocalProgram

    init() throws {
        temporary = try TemporaryDirectory()
        ours = try #require(HostLocalProgram.ours, "the executable is built with the tests")
    }

    private func configuration(_ version: String = "1.0.0", subnet: String = "10.1.0.0/24", _ more: JSONObject = [:])
        -> JSONValue
    {
        var document: JSONObject = [
            "cniVersion": .string(version), "name": "net",
            "ipam": ["type": "host-local", "subnet": .string(subnet), "dataDir": .string(temporary.path)],
        ]
        for member in more.members { document[member.key] = member.value }
        return .object(document)
    }

    private func leases() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: temporary.path + "/net")
            .filter { $0 != "lock" && !$0.hasPrefix("last_reserved_ip.") }.sorted()
    }

    @Test func `the life of a lease`() throws {
        let added = try ours.run("ADD", "a", configuration())
        #expect(added.status == 0)
        #expect(try added.output["ips"].elements().first?["gateway"].string() == "10.1.0.1")
        #expect(try added.addresses() == ["10.1.0.2"])
        #expect(try ours.run("CHECK", "a", configuration()).status == 0)
        let again = try ours.run("ADD", "a", configuration())
        #expect(again.status == 1)
        #expect(try again.output["code"].integer(in: 0...999) == 100)
        #expect(try ours.run("DEL", "a", configuration()).status == 0)
        #expect(try ours.run("CHECK", "a", configuration()).status == 1)
        #expect(try ours.run("DEL", "a", configuration()).status == 0)
        #expect(try leases().isEmpty)
    }

    @Test(arguments: ["0.1.0", "0.2.0"])
    func `old versions get their kind of result`(version: String) throws {
        let output = try ours.run("ADD", "a", configuration(version)).output
        #expect(try output["ip4"]["ip"].string() == "10.1.0.2/24")
        #expect(try output["ip4"]["gateway"].string() == "10.1.0.1")
    }

    @Test func `STATUS tells of a full network with code 50, GC makes room`() throws {
        let small = configuration("1.1.0", subnet: "10.1.0.0/30")
        #expect(try ours.run("STATUS", "", small).status == 0)
        #expect(try ours.run("ADD", "a", small).status == 0)
        let status = try ours.run("STATUS", "", small)
        #expect(try status.output["code"].integer(in: 0...999) == 50)
        let kept: JSONObject = ["cni.dev/valid-attachments": [["containerID": "a", "ifname": "eth0"]]]
        #expect(try ours.run("GC", "", configuration("1.1.0", subnet: "10.1.0.0/30", kept)).status == 0)
        #expect(try leases() == ["10.1.0.2"])
        #expect(
            try ours.run("GC", "", configuration("1.1.0", subnet: "10.1.0.0/30", ["cni.dev/valid-attachments": []]))
                .status == 0)
        #expect(try leases().isEmpty)
        #expect(try ours.run("STATUS", "", small).status == 0)
    }

    @Test func `bad configurations take nothing`() throws {
        let bad = configuration("1.0.0", subnet: "10.1.0.1/24")
        let outcome = try ours.run("ADD", "a", bad)
        #expect(outcome.status == 1)
        #expect(try outcome.output["code"].integer(in: 0...999) == 7)
        #expect(!FileManager.default.fileExists(atPath: temporary.path + "/net"))
    }

    @Test func `forty at once get forty addresses`() throws {
        let running = try (0..<40).map { try ours.start("ADD", "c\($0)", configuration()) }
        let addresses = try running.flatMap { try $0().addresses() }
        #expect(Set(addresses).count == 40)
        #expect(try leases().count == 40)
    }

    @Test func `killed at any moment, it leaves nothing that the next command does not heal`() throws {
        let begin = ContinuousClock.now
        #expect(try ours.run("ADD", "k0", configuration()).status == 0)
        let whole = ContinuousClock.now - begin
        for number in 0..<30 {
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sh")
            // Kills fall before its work, into it and after it.
            let delay = Double(number % 20 + 1) / 16 * (whole / .seconds(1))
            process.arguments = [
                "-c", "timeout -s KILL \(delay) \"$0\" < \"$1\" > /dev/null 2>&1", ours.path,
                temporary.path + "/input",
            ]
            process.environment = [
                "CNI_COMMAND": number % 3 == 2 ? "DEL" : "ADD", "CNI_CONTAINERID": "k\(number / 3)",
                "CNI_IFNAME": "eth0",
                "CNI_NETNS": "/proc/self/ns/net", "CNI_NETNS_OVERRIDE": "1", "PATH": "/usr/bin:/bin",
            ]
            try Data(configuration().text()).write(to: URL(filePath: temporary.path + "/input"))
            try process.run()
            process.waitUntilExit()
        }
        for number in 0..<10 { #expect(try ours.run("DEL", "k\(number)", configuration()).status == 0) }
        #expect(try leases().isEmpty)
        #expect(try ours.run("ADD", "after", configuration()).status == 0)
    }
}

/// The built executable and the reference implementation on the same leases.
@Suite(
    .serialized, .enabled(if: HostLocalProgram.reference != nil, "needs the Debian package containernetworking-plugins")
)
struct HostLocalInteroperabilityTests {
    private let temporary: TemporaryDirectory
    private let ours: HostLocalProgram
    private let reference: HostLocalProgram

    init() throws {
        temporary = try TemporaryDirectory()
        ours = try #require(HostLocalProgram.ours, "the executable is built with the tests")
        reference = try #require(HostLocalProgram.reference)
    }

    private var configuration: JSONValue {
        [
            "cniVersion": "1.0.0", "name": "net",
            "ipam": [
                "type": "host-local", "dataDir": .string(temporary.path),
                "ranges": [[["subnet": "10.1.0.0/16"]], [["subnet": "fd00::/64"]]],
            ],
        ]
    }

    private func leases() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: temporary.path + "/net").filter { IPAddressName.is($0) }
            .sorted()
    }

    private enum IPAddressName {
        static func `is`(_ name: String) -> Bool {
            name.contains("10.1.") && !name.contains("_") || name.hasPrefix("fd00:")
        }
    }

    @Test func `each finds, checks and releases what the other made`() throws {
        #expect(try reference.run("ADD", "theirs", configuration).addresses() == ["10.1.0.2", "fd00::2"])
        #expect(try ours.run("ADD", "ours", configuration).addresses() == ["10.1.0.3", "fd00::3"])
        for program in [ours, reference] {
            for container in ["theirs", "ours"] {
                #expect(try program.run("CHECK", container, configuration).status == 0)
                #expect(try program.run("ADD", container, configuration).status == 1)
            }
            #expect(try program.run("CHECK", "nobody", configuration).status == 1)
        }
        #expect(try leases() == ["10.1.0.2", "10.1.0.3", "fd00::2", "fd00::3"])
        #expect(try reference.run("DEL", "ours", configuration).status == 0)
        #expect(try leases() == ["10.1.0.2", "fd00::2"])
        #expect(try ours.run("CHECK", "ours", configuration).status == 1)
        #expect(try ours.run("DEL", "theirs", configuration).status == 0)
        #expect(try leases().isEmpty)
    }

    @Test func `both go on where the other left off`() throws {
        var seen: [String] = []
        for number in 0..<10 {
            let program = number % 2 == 0 ? ours : reference
            seen += try program.run("ADD", "c\(number)", configuration).addresses()
            #expect(try (number % 3 == 0 ? reference : ours).run("DEL", "c\(number)", configuration).status == 0)
        }
        #expect(seen.filter { $0.hasPrefix("10.") } == (2..<12).map { "10.1.0.\($0)" })
    }

    @Test func `at once, they never hand out one address twice`() throws {
        var addresses: [String] = []
        for round in 0..<5 {
            let running = try (0..<12).map { number in
                try (number % 2 == 0 ? ours : reference).start("ADD", "c\(round)-\(number)", configuration)
            }
            for outcome in try running.map({ try $0() }) {
                #expect(outcome.status == 0)
                addresses += try outcome.addresses()
            }
        }
        #expect(addresses.count == 120)
        #expect(Set(addresses).count == 120)
        #expect(try leases() == addresses.sorted())
        let running = try (0..<5).flatMap { round in
            try (0..<12).map { number in
                try (number % 2 == 0 ? reference : ours).start("DEL", "c\(round)-\(number)", configuration)
            }
        }
        #expect(try running.allSatisfy { try $0().status == 0 })
        #expect(try leases().isEmpty)
    }
}
