import Foundation
import TestSupport
import Testing

/// Rules of others: untouched, and obeyed where they say more than ours.
@Suite(.needsPortLab)
struct PortmapForeignRulesTests {
    /// What firewalls and kube-proxy leave in nftables; port 8080 of one address is somebody else's.
    private static let nftables = """
        table ip foreign {
            map services {
                type ipv4_addr . inet_service : ipv4_addr . inet_service
                elements = { 192.0.2.1 . 8080 : 198.51.100.2 . 8080 }
            }
            chain pre {
                type nat hook prerouting priority dstnat; policy accept;
                meta l4proto tcp dnat ip to ip daddr . tcp dport map @services
            }
            chain out {
                type nat hook output priority -100; policy accept;
            }
        }
        table inet firewall {
            chain forward {
                type filter hook forward priority filter; policy accept;
                ct state established,related accept comment "not ours"
            }
        }
        table inet cni_ports_of_others {
            chain c {
            }
        }
        """
    private static let tables = ["ip foreign", "inet firewall", "inet cni_ports_of_others"]

    /// What kube-proxy and a firewall leave in iptables; port 8081 of one address is somebody else's.
    private func installIPTables(_ ports: PortLab, path: String) throws {
        try ports.host.shell(
            """
            PATH='\(path)'
            iptables-restore <<'END'
            *nat
            :KUBE-SERVICES - [0:0]
            :KUBE-SVC-X - [0:0]
            -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A KUBE-SERVICES -d 192.0.2.1/32 -p tcp -m tcp --dport 8081 -j KUBE-SVC-X
            -A KUBE-SVC-X -p tcp -j DNAT --to-destination 198.51.100.2:8080
            COMMIT
            *filter
            :CNI-LIKE - [0:0]
            -A FORWARD -m comment --comment "name: \\"net1\\" id: \\"container-0\\"" -j CNI-LIKE
            COMMIT
            END
            ip6tables-restore <<'END'
            *nat
            :KUBE-SERVICES - [0:0]
            -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            COMMIT
            END
            """)
    }

    /// All that is not ours, word for word and in order.
    private func foreign(_ ports: PortLab) throws -> [String] {
        try Self.tables.map { try ports.host.nftTable($0) ?? "no table \($0)" }
            + PacketFilterBackend.iptables.flatMap { variant in
                try PortFamily.allCases.flatMap { family in
                    let prefix = family == .ipv4 ? "ip" : "ip6"
                    let exists =
                        try variant == .iptablesNFT
                        || ports.host.filterTables().contains { $0.hasPrefix("\(prefix)tables-legacy") }
                    let rules = exists ? try ports.host.savedRules(variant, family) : []
                    return rules.filter { $0.contains("KUBE") || $0.contains("CNI-LIKE") }.map { "\(variant) \($0)" }
                }
            }
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func areTheSameBeforeDuringAndAfter(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        let network = try PortNetwork(ports, backend, version: "1.1.0")
        let attached = [try network.attach(0), try network.attach(1)]
        // Of chains with one priority, as all of iptables and many of nftables have, the kernel asks the newest first.
        try installIPTables(ports, path: network.path)
        try ports.host.shell("nft -f '\(try ports.lab.write(Self.nftables, to: "foreign.nft"))'")
        let before = try ports.lab.snapshot(files: false)
        let rules = try foreign(ports)
        #expect(rules.count > 10, "\(rules)")

        let mappings = PublishedPort.all(8080, 80) + PublishedPort.all(8081, 81)
        try network.publish(mappings, prevResult: attached[0])
        #expect(try foreign(ports) == rules, "\(backend), after ADD")
        let web = PortLab.name(ofContainer: 0)
        for port in [8080, 8081] {
            try expect(
                ports, "\(backend)",
                [
                    .answer(from: ports.outside, to: "192.0.2.1", port, by: PortLab.beyondName),
                    .answer(from: ports.outside, to: "192.0.2.1", port, .udp, by: web),
                    .answer(from: ports.outside, to: "192.0.2.3", port, by: web),
                    .answer(from: ports.outside, to: "2001:db8::1", port, by: web),
                    .answer(from: ports.containers[1], to: "192.0.2.3", port, by: web),
                    .answer(from: ports.host, to: "127.0.0.1", port, by: web),
                ])
        }
        try network.succeed("CHECK", 0, mappings, prevResult: attached[0])
        try network.publish([PublishedPort(7070, 80)], 1, prevResult: attached[1])
        try network.succeed("DEL", 0)
        #expect(try foreign(ports) == rules, "\(backend), after DEL")
        try network.succeed("GC", members: #""cni.dev/valid-attachments": []"#)
        #expect(try foreign(ports) == rules, "\(backend), after GC")
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    /// Whoever came first: our rules come after those of others.
    @Test func aMoreSpecificRuleThatComesLaterIsObeyedToo() throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, .nftables)
        let attached = try network.attach()
        try network.publish(PublishedPort.all(8080, 80), prevResult: attached)
        let web = PortLab.name(ofContainer: 0)
        try expect(ports, "before", [.answer(from: ports.outside, to: "192.0.2.1", 8080, by: web)])
        try ports.host.shell("nft -f '\(try ports.lab.write(Self.nftables, to: "foreign.nft"))'")
        try expect(
            ports, "after",
            [
                .answer(from: ports.outside, to: "192.0.2.1", 8080, by: PortLab.beyondName),
                .answer(from: ports.outside, to: "192.0.2.3", 8080, by: web),
            ])
        let rules = try foreign(ports)
        try network.succeed("DEL", 0)
        #expect(try foreign(ports) == rules)
    }
}
