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
    ])
    func `ports are read, and shown as people know them`(text: String, shown: String) throws {
        let port = try PortPublication(text)
        #expect(port.texts([.ipv4, .ipv6]).joined(separator: "|") == shown)
        #expect(try PortPublication(JSONField(port.json)) == port)
    }

    @Test func `a family without an address has no port`() throws {
        #expect(try PortPublication("8080:80").texts([.ipv6]) == [":::8080->80/tcp"])
        #expect(try PortPublication("8080:80").texts([]) == [])
    }

    @Test(arguments: [
        "", "80", ":80", "80:", "0:80", "80:0", "65536:80", "80:80/", "80:80/icmp", "80:80/tcp/udp", "a:80", "+8:80",
        "1.2.3:80:80", "fd00::7:80:80", "[fd00::7]80:80", "[10.1.0.7]:80:80", "[fd00::7]:80", "::80:80", "8 0:80",
        "80:80\n", "1:2:3:4",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: ContainerRefusal.self) { try PortPublication(text) }
    }

    @Test(arguments: [
        (["8080:80", "8080:81"], true), (["8080:80", "8080:80/udp"], false),
        (["10.1.0.7:80:80", "10.1.0.8:80:80"], false),
        (["10.1.0.7:80:80", "0.0.0.0:80:80"], true), (["10.1.0.7:80:80", "80:81"], true),
        (["0.0.0.0:80:80", "[::]:80:80"], false),
    ])
    func `a port of the host leads to one place`(texts: [String], isRefused: Bool) {
        #expect(((try? PortPublication.all(texts)) == nil) == isRefused)
    }
}
