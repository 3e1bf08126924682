import CNI
import NetworkAddress
import Testing

@testable import CNIContainers

@Suite struct HostsFileTests {
    /// A container with an address on each of these networks, of which the keys are the names.
    private func container(
        _ digit: Character, _ name: String?, _ networks: [String: [String]], aliases: [String] = []
    ) -> ContainerRecord {
        var record = ContainerRecord(id: String(repeating: digit, count: 64), name: name, hostName: "host-\(digit)")
        for (number, network) in networks.sorted(by: { $0.key < $1.key }).enumerated() {
            record.attachments.append(
                ContainerAttachment(
                    network: network.key, interfaceName: "eth\(number)", aliases: aliases,
                    addresses: network.value.compactMap { IPAddress($0) }))
        }
        return record
    }

    /// The lines that are not the same for everybody.
    private func lines(_ container: ContainerRecord, _ all: [ContainerRecord]) -> [String] {
        let text = HostsFile.text(of: container, among: all)
        #expect(text.hasPrefix("127.0.0.1 localhost\n::1 localhost "))
        #expect(text.hasSuffix("\n"))
        return text.split(separator: "\n").map(String.init).filter {
            !$0.contains("ip6-") && !$0.hasSuffix(" localhost")
        }
    }

    @Test func `a container knows itself and who shares a network with it, by both families`() {
        let web = container("a", "web", ["net1": ["10.1.0.2", "fd00::2"]], aliases: ["www"])
        let client = container("b", nil, ["net1": ["10.1.0.3", "fd00::3"], "net2": ["10.2.0.3"]])
        let stranger = container("c", "stranger", ["net3": ["10.3.0.2"]])
        let other = container("d", "other", ["net2": ["10.2.0.4"]])
        let all = [web, client, stranger, other]
        #expect(
            lines(web, all) == [
                "10.1.0.2 host-a web aaaaaaaaaaaa www", "fd00::2 host-a web aaaaaaaaaaaa www", "10.1.0.3 bbbbbbbbbbbb",
                "fd00::3 bbbbbbbbbbbb",
            ])
        #expect(
            lines(client, all) == [
                "10.1.0.3 host-b bbbbbbbbbbbb", "fd00::3 host-b bbbbbbbbbbbb", "10.2.0.3 host-b bbbbbbbbbbbb",
                "10.1.0.2 web aaaaaaaaaaaa www", "fd00::2 web aaaaaaaaaaaa www", "10.2.0.4 other dddddddddddd",
            ])
        #expect(lines(stranger, all) == ["10.3.0.2 host-c stranger cccccccccccc"])
    }

    @Test func `a link is a name for one container only`() {
        let web = container("a", "web", ["net1": ["10.1.0.2"]])
        var client = container("b", nil, ["net1": ["10.1.0.3"]])
        let witness = container("c", nil, ["net1": ["10.1.0.4"]])
        client.links = [ContainerLink(target: "web", alias: "shop"), ContainerLink(target: "web", alias: "web")]
        #expect(lines(client, [web, client]).last == "10.1.0.2 web aaaaaaaaaaaa shop")
        #expect(lines(witness, [web, client, witness]).contains("10.1.0.2 web aaaaaaaaaaaa"))
        client.links = [ContainerLink(target: String(repeating: "c", count: 64), alias: "nameless")]
        #expect(lines(client, [client, witness]).last == "10.1.0.4 cccccccccccc nameless")
    }

    @Test func `name servers of all networks are told, and nothing that would be another line`() {
        #expect(ResolverFile.text([]) == nil)
        #expect(ResolverFile.text([AttachmentResult.DNS()]) == nil)
        let one = AttachmentResult.DNS(nameservers: ["10.1.0.1"], domain: "one.test", options: ["ndots:2"])
        let other = AttachmentResult.DNS(nameservers: ["10.1.0.1", "fd00::1\nnameserver 6.6.6.6"], search: ["b.test"])
        #expect(ResolverFile.text([one]) == "domain one.test\nnameserver 10.1.0.1\noptions ndots:2\n")
        #expect(ResolverFile.text([one, other]) == "search b.test\nnameserver 10.1.0.1\noptions ndots:2\n")
    }
}
