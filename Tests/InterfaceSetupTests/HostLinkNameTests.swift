import CNI
import InterfaceSetup
import Testing

@Suite("HostLinkName")
struct HostLinkNameTests {
    private static let attachments = (0..<200).map { number in
        CNI.Attachment(
            network: "net\(number % 5)", containerID: String(repeating: "abcdef0123456789", count: 4) + "-\(number)",
            interfaceName: "eth\(number % 3)")
    }

    @Test("names are names of links, of 15 bytes, and differ")
    func shape() {
        let names = Self.attachments.map { HostLinkName.veth($0) }
        #expect(names.allSatisfy { Names.isInterfaceName($0) && $0.utf8.count == 15 && $0.hasPrefix("veth") })
        #expect(Set(names).count == names.count)
    }

    // Running containers have links of these names: another version of the plugin must find them.
    @Test(
        "names never change",
        arguments: [
            (CNI.Attachment(network: "podman", containerID: "c1", interfaceName: "eth0"), "vethspaar7uxkif"),
            (CNI.Attachment(network: "net", containerID: "0123456789abcdef", interfaceName: "net1"), "vethee42vibwwqa"),
        ])
    func vectors(attachment: CNI.Attachment, name: String) {
        #expect(HostLinkName.veth(attachment) == name)
    }

    @Test("the gateway's port has a stable name too")
    func gatewayVector() {
        #expect(HostLinkName.veth(gatewayLink: "cni0.100") == "vethv3g6kfkorp5")
        #expect(HostLinkName.veth(gatewayLink: "cni0.101") != HostLinkName.veth(gatewayLink: "cni0.100"))
        #expect(HostLinkName.veth(gatewayLink: "cni0.100").utf8.count == 15)
    }

    @Test("each part of an attachment counts, and where one ends")
    func parts() {
        let names = [("n", "ab", "c"), ("n", "a", "bc"), ("na", "b", "c"), ("n", "ab", "d"), ("m", "ab", "c")].map {
            HostLinkName.veth(CNI.Attachment(network: $0.0, containerID: $0.1, interfaceName: $0.2))
        }
        #expect(Set(names).count == names.count)
    }

    @Test("a link is its network's by name, and another's where its alias says so")
    func belonging() {
        let attachment = CNI.Attachment(network: "net", containerID: "c1", interfaceName: "eth0")
        let name = HostLinkName.veth(attachment)
        #expect(HostLinkName.isVeth(named: name, alias: HostLinkName.alias(attachment), of: "net"))
        #expect(HostLinkName.isVeth(named: name, alias: nil, of: "net"))
        #expect(HostLinkName.isVeth(named: name, alias: "", of: "net"))
        #expect(!HostLinkName.isVeth(named: name, alias: "cni:other/c1/eth0", of: "net"))
        #expect(!HostLinkName.isVeth(named: name, alias: "cni:net2/c1/eth0", of: "net"))
        #expect(!HostLinkName.isVeth(named: name, alias: HostLinkName.alias(attachment), of: "other"))
    }

    @Test("links of other makers are nobody's", arguments: ["veth1a2b3c4d", "eth0", "vethXYZ", "veth", "docker0"])
    func foreign(name: String) {
        #expect(!HostLinkName.isVeth(named: name, alias: nil, of: "net"))
    }

    @Test("the alias names network, container and interface, within what the kernel takes")
    func alias() {
        #expect(
            HostLinkName.alias(CNI.Attachment(network: "net", containerID: "c1", interfaceName: "eth0"))
                == "cni:net/c1/eth0")
        let long = CNI.Attachment(
            network: "net", containerID: String(repeating: "x", count: 300), interfaceName: "eth0")
        #expect(HostLinkName.alias(long).utf8.count == 255)
        #expect(HostLinkName.isVeth(named: HostLinkName.veth(long), alias: HostLinkName.alias(long), of: "net"))
    }
}
