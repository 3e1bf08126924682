import JSON
import NetworkAddress
import Testing

@testable import CNIContainers

@Suite struct PortPublicationTests {
    @Test(arguments: [
        ("8080:80", "0.0.0.0:8080->80/tcp|:::8080->80/tcp"), ("53:53/udp", "0.0.0.0:53->53/udp|:::53->53/udp"),
        ("1:65535/SCTP", "0.0.0.0:1->65535/sctp|:::1->65535/sctp"), ("10.1.0.7:80:80", "10.1.0.7:80->80/tcp"),
        ("0.0.0.0:80:81", "0.0.0.0:80->81/tcp"), ("[::]:80:81", ":::80->81/tcp"),
        ("[fd00::7]:80:81/tcp", "[fd00::7]:80->81/tcp"),
        ("127.0.0.1:8080-8089:80-89/udp", "127.0.0.1:8080-8089->80-89/udp"),
        ("65534-65535:1-2", "0.0.0.0:65534-65535->1-2/tcp|:::65534-65535->1-2/tcp"),
    ])
    func `ports are read, and shown as people know them`(text: String, shown: String) throws {
        let ports = try PortPublication.read(text)
        #expect(PortPublication.texts(ports, [.ipv4, .ipv6]).joined(separator: "|") == shown)
        #expect(try ports.map { try PortPublication(JSONField($0.json)) } == ports)
    }

    @Test(arguments: ["80", ":80", "80/udp", "10.1.0.7::80", "[fd00::7]::80-81"])
    func `a port of the host may be left to be chosen`(text: String) throws {
        #expect(try PortPublication.read(text).allSatisfy { $0.hostPort == 0 })
        // They do not collide with each other.
        #expect(try PortPublication.all([text, text]).count == 2 * PortPublication.read(text).count)
    }

    @Test func `a family without an address has no port`() throws {
        let ports = try PortPublication.all(["8080:80"])
        #expect(PortPublication.texts(ports, [.ipv6]) == [":::8080->80/tcp"])
        #expect(PortPublication.texts(ports, []) == [])
    }

    @Test func `ports that follow each other are shown as one`() throws {
        let ports = try PortPublication.all(["8080:80", "8081:81", "8083:83", "8084:84/udp", "127.0.0.1:8085:85"])
        #expect(
            PortPublication.texts(ports, [.ipv4]) == [
                "0.0.0.0:8080-8081->80-81/tcp", "0.0.0.0:8083->83/tcp", "0.0.0.0:8084->84/udp",
                "127.0.0.1:8085->85/tcp",
            ])
    }

    @Test(arguments: [
        "", "80:", "0:80", "80:0", "65536:80", "80:80/", "80:80/icmp", "80:80/tcp/udp", "a:80", "+8:80",
        "1.2.3:80:80", "fd00::7:80:80", "[fd00::7]80:80", "[10.1.0.7]:80:80", "[fd00::7]:80", "::80:80", "8 0:80",
        "80:80\n", "1:2:3:4", "80-:80", "-80:80", "90-80:90-80", "80-81-82", "8080-8081:80", "8080:80-81",
        "65535-65536:1-2", "10.1.0.7:80",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: ContainerRefusal.self) { try PortPublication.read(text) }
    }

    @Test func `a thousand ports are enough`() throws {
        #expect(try PortPublication.all(["1001-2000:1-1000"]).count == 1000)
        #expect(throws: ContainerRefusal.self) { try PortPublication.all(["1001-2000:1-1000", "80"]) }
        #expect(throws: ContainerRefusal.self) { try PortPublication.all(["1-65535:1-65535"]) }
    }

    @Test(arguments: [
        (["8080:80", "8080:81"], true), (["8080:80", "8080:80/udp"], false),
        (["10.1.0.7:80:80", "10.1.0.8:80:80"], false),
        (["10.1.0.7:80:80", "0.0.0.0:80:80"], true), (["10.1.0.7:80:80", "80:81"], true),
        (["0.0.0.0:80:80", "[::]:80:80"], false), (["8080-8083:80-83", "8082:1"], true),
    ])
    func `a port of the host leads to one place`(texts: [String], isRefused: Bool) {
        #expect(((try? PortPublication.all(texts)) == nil) == isRefused)
    }
}
