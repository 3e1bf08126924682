import JSON
import NetworkAddress
import Testing

@testable import CNIContainers

@Suite struct ContainerNamesTests {
    @Test(arguments: ["web", "web-1", "a_b", "db.example", "7up", String(repeating: "a", count: 63)])
    func `names are labels, as people write them`(name: String) {
        #expect(ContainerNames.isName(name))
    }

    @Test(arguments: [
        "", "-web", "web db", "web\n127.0.0.1 bank", "web\tdb", "web#", "wéb", "localhost", "LOCALHOST", "10.1.0.7",
        String(repeating: "a", count: 64), ".web", "web/..", "a:b",
    ])
    func `nothing that would be another line, or mislead, is a name`(name: String) {
        #expect(!ContainerNames.isName(name))
        #expect(throws: ContainerRefusal.self) { try ContainerNames.checked(name, "--name") }
        #expect(throws: ContainerRefusal.self) { try ContainerLink("web:\(name)") }
    }

    /// Counts up.
    private struct Counting: RandomNumberGenerator {
        var value: UInt64 = 0
        mutating func next() -> UInt64 {
            value += 1
            return value
        }
    }

    @Test func `an id has 64 digits, and the first twelve of them tell it`() {
        var generator = Counting()
        let id = ContainerNames.newIdentifier(&generator)
        #expect(id == (1...4).map { "000000000000000\($0)" }.joined())
        #expect(ContainerNames.short(id) == "000000000000")
    }

    @Test func `a container is found by its name, its id or the beginning of that`() throws {
        let ids = ["ab", "ac", "b"].map { $0 + String(repeating: "0", count: 64 - $0.count) }
        let records = zip(ids, ["web", nil, "ab"]).map { ContainerRecord(id: $0, name: $1) }
        #expect(try ContainerNames.find("web", in: records).id == ids[0])
        #expect(try ContainerNames.find("ab", in: records).id == ids[2])
        #expect(try ContainerNames.find("ab0", in: records).id == ids[0])
        #expect(try ContainerNames.find(ids[1], in: records).id == ids[1])
        for text in ["", "a", "c", "we"] {
            #expect(throws: ContainerRefusal.self) { try ContainerNames.find(text, in: records) }
        }
    }

    @Test func `a record is read as it was written`() throws {
        var record = ContainerRecord(
            id: String(repeating: "a", count: 64), name: "web", hostName: "box", command: ["sh", "-c", "a\nb"],
            created: 1_700_000_000, sandboxPath: "/run/netns/cnitool-aaaaaaaaaaaa", supervisor: 7, cache: "/cache")
        record.state = .running
        record.process = 8
        record.ports = try PortPublication.all(["8080:80", "[fd00::7]:53:53/udp"])
        record.links = [ContainerLink(target: "db", alias: "store")]
        record.pluginFolders = ["/bin", "/opt"]
        record.attachments = [
            ContainerAttachment(
                network: "net1", interfaceName: "eth0", aliases: ["www"],
                capabilityArguments: ["mac": "02:00:00:00:00:01"],
                configuration: ["name": "net1"],
                addresses: [IPAddress("10.1.0.2"), IPAddress("fd00::2")].compactMap { $0 })
        ]
        record.attachments[0].isComplete = true
        #expect(try ContainerRecord(JSONField(try JSONValue(parsing: record.json.text()))) == record)
        let least = ContainerRecord(id: "b")
        #expect(try ContainerRecord(JSONField(least.json)) == least)
        #expect(record.nextInterfaceName == "eth1")
        #expect(least.nextInterfaceName == "eth0")
    }

    @Test(arguments: [
        (0, "0 seconds ago"), (1, "1 second ago"), (119, "119 seconds ago"), (120, "2 minutes ago"),
        (7199, "119 minutes ago"), (7200, "2 hours ago"), (172_800, "2 days ago"), (-5, "0 seconds ago"),
    ])
    func `an age is told in the largest unit that there are two of`(seconds: Int64, text: String) {
        #expect(ContainerRow(ContainerRecord(id: "a", created: 1_000_999), now: 1000 + seconds).age == text)
    }

    @Test func `a row tells what people look for first`() throws {
        var record = ContainerRecord(
            id: String(repeating: "a", count: 64), command: ["sh", "-c", "echo\tmuch more than fits"], created: 0,
            sandboxPath: "/run/netns/a")
        #expect(
            ContainerRow(record, now: 60).cells == [
                "aaaaaaaaaaaa", "-", "\"sh -c echo?much mor…\"", "60 seconds ago", "none", "-", "-",
            ])
        record.name = "web"
        record.command = ["sleep", "9"]
        record.ports = try PortPublication.all(["8080:80"])
        for (name, address) in [("net1", "10.1.0.2"), ("net2", "fd00::2")] {
            record.attachments.append(
                ContainerAttachment(
                    network: name, interfaceName: "eth0",
                    capabilityArguments: name == "net1" ? ["portMappings": []] : [:],
                    addresses: [IPAddress(address)].compactMap { $0 }))
        }
        #expect(
            ContainerRow(record, now: 60).cells == [
                "aaaaaaaaaaaa", "web", "\"sleep 9\"", "60 seconds ago", "net1,net2", "10.1.0.2,fd00::2",
                "0.0.0.0:8080->80/tcp",
            ])
        record.sandboxPath = nil
        #expect(ContainerRow(record, now: 60).cells[4] == "host")
    }
}
