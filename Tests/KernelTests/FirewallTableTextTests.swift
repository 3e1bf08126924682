import TestSupport
import Testing

/// Our table as text: what `nft list` prints of it, `nft -f` reads, as firewalls do that keep all rules in a file.
@Suite(.needsPortLab)
struct FirewallTableTextTests {
    @Test func aTableThatIsLoadedAnewIsTheSame() throws {
        let ports = try PortLab(containers: 4)
        try ports.setBridgeFiltering(false)
        var networks = try [(1, "same-bridge"), (2, "isolated"), (3, "open")].map {
            try FirewallNetwork(ports, .nftables, number: $0, policy: $1)
        }
        // A name that no chain can have.
        networks[1].network.bridge.keys = #""isDefaultGateway": true, "bridge": "cni@2""#
        networks[2].keys = #""iptablesAdminChainName": "MY-chain_2""#
        let places = [(0, 0), (1, 1), (2, 1), (3, 2)]
        let attached = try places.map { try networks[$0.1].network.attach($0.0) }
        let before = try ports.host.filterFacts("")
        for (container, network) in places { try networks[network].admit(container, prevResult: attached[container]) }
        try networks[0].administrate("drop", networks[2].address(.ipv4), "192.0.2.2", .ipv4)
        let listing = try #require(try ports.host.nftTable("inet cni_firewall"))
        let file = try ports.lab.write(listing, to: "firewall.nft")
        try ports.host.shell("nft flush ruleset && nft -f '\(file)'")
        #expect(try ports.host.nftTable("inet cni_firewall") == listing)
        for (container, network) in places {
            try networks[network].succeed("CHECK", container, prevResult: attached[container])
        }
        try expect(
            ports, "loaded anew",
            PortFamily.allCases.flatMap { family -> [PortExpectation] in
                [
                    .silence(from: ports.containers[0], to: networks[1].address(family), 80),
                    .answer(
                        from: ports.containers[3], to: networks[0].address(family), 80,
                        by: PortLab.name(ofContainer: 0)),
                ]
            } + [.silence(from: ports.containers[3], to: "192.0.2.2", 80)])
        try networks[0].stopAdministrating()
        for (container, network) in places { try networks[network].succeed("DEL", container) }
        #expect(try ports.host.filterFacts("") == before)
    }
}
