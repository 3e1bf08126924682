import Testing

@testable import PacketFilter

/// The names of chains that stand for owners and for shared elements.
@Suite struct NFTNameTests {
    /// What nft takes for a name, which the kernel lets have 127 bytes.
    private func isReadable(_ name: String) -> Bool {
        name.utf8.count <= 127 && name.wholeMatch(of: /[A-Za-z_.][A-Za-z0-9\/\\_.-]*/) != nil
    }

    @Test(arguments: [
        ("loopback_links cni0", "loopback_links_cni0"), ("loopback_links br0.100", "loopback_links_br0.100"),
        ("loopback_links -x", "loopback_links_-x"), ("addressed_ipv4 tcp . 8080", "addressed_ipv4_tcp_8080"),
        // What is no plain word is hashed: the beginning of its SHA-512.
        ("loopback_links e@h", "loopback_links_895d3911a86fd2bd"),
        ("loopback_links a\"b", "loopback_links_966b9efff445ce16"),
        ("loopback_links ä", "loopback_links_64868c5784a6004e"),
        ("waiting_ports_ipv4 tcp . 8080 : 10.1.0.2 . 80", "waiting_ports_ipv4_tcp_8080"),
        (
            "waiting_port_ranges_ipv4 192.0.2.1 . tcp . 1-65535 : 10.1.0.2",
            "waiting_port_ranges_ipv4_192.0.2.1_tcp_1-65535"
        ),
        (
            "waiting_addressed_ports_ipv6 fd00::2 . sctp . 443 : fd00::2 . 8443",
            "waiting_addressed_ports_ipv6_6310bd40401f452f_sctp_443"
        ),
    ])
    func namesOfSharedElements(text: String, name: String) throws {
        let element = try #require(NFTElement(text, sets: NFTElementTests.sets))
        #expect(element.sharedChain == name && isReadable(name))
    }

    @Test(arguments: NFTElementTests.layouts) func everySharedElementHasAReadableNameOfItsOwn(layout: NFTLayout) {
        let elements = layout.sets.filter(\.isShared).flatMap(NFTElementTests.elements(of:))
        for element in elements { #expect(isReadable(element.sharedChain), "\(element)") }
        // What an element leads to does not count.
        let keys = Set(elements.map { NFTElement(set: $0.set, key: $0.key) })
        #expect(Set(elements.map(\.sharedChain)).count == keys.count)
        #expect(Set(elements.map(\.sharedChain)).isDisjoint(with: layout.chains.map(\.name)))
    }

    @Test func recordsAreNamedAfterTheirOwner() {
        let owner = RuleOwner(network: "net", containerID: "c1", interfaceName: "eth0")
        #expect(NFTOwnedTable.record(of: owner) == "attachment_a4861f4ae9_dd6ccc806f763e1c5c48")
        let same = RuleOwner(network: "net", containerID: "c1", interfaceName: "eth0")
        #expect(NFTOwnedTable.record(of: same) == NFTOwnedTable.record(of: owner))
    }

    @Test func recordsOfDifferentOwnersDiffer() {
        let names = ["net", "net1", "c1", "eth0"].flatMap { network in
            ["c1", "c2", "net"].flatMap { container in
                ["eth0", "eth1", "ä"].map {
                    NFTOwnedTable.record(
                        of: RuleOwner(network: network, containerID: container, interfaceName: $0))
                }
            }
        }
        #expect(Set(names).count == 36)
        #expect(names.allSatisfy(isReadable))
    }

    @Test(arguments: ["net", "n", "a.b-c_d", String(repeating: "n", count: 300)])
    func recordsOfANetworkBeginAlike(network: String) {
        let prefix = NFTOwnedTable.recordPrefix(network: network)
        for container in ["c1", String(repeating: "c", count: 64)] {
            let record = NFTOwnedTable.record(
                of: RuleOwner(network: network, containerID: container, interfaceName: "eth0"))
            #expect(record.hasPrefix(prefix) && isReadable(record))
            for other in ["ne", "net2", "N"] {
                #expect(!record.hasPrefix(NFTOwnedTable.recordPrefix(network: other)))
            }
        }
    }
}
