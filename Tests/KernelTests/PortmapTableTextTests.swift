import Foundation
import TestSupport
import Testing

/// Our table as text: what `nft list` prints of it, `nft -f` reads, as firewalls do that keep all rules in a file.
@Suite(.needsPortLab)
struct PortmapTableTextTests {
    /// An attachment that publishes something.
    private struct Publishing {
        let network: PortNetwork
        let container: Int
        let interface: String
    }

    @Test func aTableThatIsLoadedFromItsTextIsTheSame() throws {
        let ports = try PortLab(containers: 2)
        let (publishing, listing) = try publishEverything(ports)
        let fresh = try Lab(containers: 0)
        let before = try fresh.snapshot(files: false)
        let file = try fresh.write(listing, to: "ports.nft")
        try fresh.host.shell("nft -f '\(file)'")
        #expect(try fresh.host.nftTable("inet cni_ports") == listing)
        // DEL finds there what belongs to it, of one after the other.
        for (number, one) in publishing.enumerated() {
            try delete(one, in: fresh)
            let left = try fresh.host.nftTable("inet cni_ports")
            #expect((left == nil) == (number == publishing.count - 1), "\(left ?? "")")
            for other in publishing[(number + 1)...] {
                let name = "\(other.network.name)/container-\(other.container)/\(other.interface)"
                #expect(left?.contains("comment \"\(name)\"") == true, "\(name): \(left ?? "")")
            }
        }
        expectUnchanged(before, try fresh.snapshot(files: false))
    }

    /// A table that was loaded anew on its own host publishes as before, and CHECK says so.
    @Test func aTableThatIsLoadedAnewPublishes() throws {
        let ports = try PortLab()
        try ports.setBridgeFiltering(false)
        let network = try PortNetwork(ports, .nftables)
        let attached = try network.attach()
        let mappings =
            PublishedPort.all(8080, 80) + [
                PublishedPort(8081, 81, hostIP: "192.0.2.1"), PublishedPort(9000, 9000, range: 3),
            ]
        let before = try ports.lab.snapshot(files: false)
        try network.publish(mappings, prevResult: attached)
        let file = try ports.lab.write(try ports.host.nftTable("inet cni_ports") ?? "", to: "ports.nft")
        try ports.host.shell("nft flush ruleset && nft -f '\(file)'")
        try network.succeed("CHECK", 0, mappings, prevResult: attached)
        let web = PortLab.name(ofContainer: 0)
        try expect(
            ports, "loaded anew",
            PortFamily.allCases.flatMap { family in
                PortProtocol.allCases.map { .answer(from: ports.outside, to: family.hostAddress, 8080, $0, by: web) }
            } + [
                .answer(from: ports.host, to: "127.0.0.1", 8080, by: web),
                .answer(from: ports.container, to: "192.0.2.1", 8080, by: web),
                .answer(from: ports.outside, to: "192.0.2.1", 8081, by: web),
            ])
        try network.succeed("DEL", 0)
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    /// Everything that can stand in the table; what nft prints of it.
    private func publishEverything(_ ports: PortLab) throws -> ([Publishing], String) {
        var networks = [try PortNetwork(ports, .nftables), try PortNetwork(ports, .nftables, number: 2)]
        networks[1].bridge.keys = #""isGateway": true, "bridge": "cni@2""#
        let attached = [
            try networks[0].attach(0), try networks[1].attach(0, interface: "eth1"), try networks[0].attach(1),
        ]
        let mappings =
            PublishedPort.all(8080, 80) + [
                PublishedPort(8081, 81, hostIP: "192.0.2.1"), PublishedPort(8081, 81, hostIP: "2001:db8::1"),
                PublishedPort(8082, 81, hostIP: "127.0.0.1"), PublishedPort(9000, 9000, range: 10),
                PublishedPort(9000, 9000, .udp, hostIP: "192.0.2.1", range: 2),
            ]
        try networks[0].publish(mappings, prevResult: attached[0])
        // Waits for all of it.
        try networks[1].publish(mappings, prevResult: attached[1], interface: "eth1")
        networks[0].keys = """
            "masqAll": true, "conditionsV4": ["-s", "192.0.2.0/24", "!", "-i", "eth7"],
            "conditionsV6": ["ip6", "daddr", "!=", "2001:db8::3"]
            """
        try networks[0].publish(PublishedPort.all(7070, 80), 1, prevResult: attached[2])
        let listing = try #require(try ports.host.nftTable("inet cni_ports"))
        return (
            [
                Publishing(network: networks[0], container: 0, interface: "eth0"),
                Publishing(network: networks[1], container: 0, interface: "eth1"),
                Publishing(network: networks[0], container: 1, interface: "eth0"),
            ], listing
        )
    }

    private func delete(_ publishing: Publishing, in lab: Lab) throws {
        let answer = try lab.call(
            "portmap", "DEL", publishing.network.configuration(), containerID: "container-\(publishing.container)",
            interface: publishing.interface, variables: ["CNI_NETNS": ""])
        #expect(answer.isSuccess && answer.outcome.output.isEmpty, "\(answer)")
    }
}
