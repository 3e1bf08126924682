import TestSupport
import Testing

/// Rules of others: untouched, word for word and in order.
@Suite(.needsPortLab)
struct FirewallForeignRulesTests {
    private static let nftables = """
        table inet firewall {
            chain forward {
                type filter hook forward priority filter; policy accept;
                ct state established,related accept comment "not ours"
                ip daddr 192.0.2.9 drop
            }
        }
        table inet cni_firewall_of_others {
            set containers_ipv4 {
                type ipv4_addr
                elements = { 10.1.0.2 comment "net1/container-0/eth0" }
            }
            chain CNI-ADMIN {
            }
        }
        """

    private static let iptables = """
        *filter
        :DOCKER-USER - [0:0]
        :CNI-LIKE - [0:0]
        :KUBE-FORWARD - [0:0]
        -A FORWARD -j DOCKER-USER
        -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
        -A FORWARD -m comment --comment "name: \\"net1\\" id: \\"container-0\\"" -j CNI-LIKE
        -A FORWARD -i foreign+ -m statistic --mode random --probability 0.5 -j DROP
        -A DOCKER-USER -j RETURN
        -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
        -A CNI-LIKE -m comment --comment "CNI firewall plugin rules" -j RETURN
        -A CNI-LIKE -s ADDRESS -j ACCEPT
        COMMIT

        """

    private func install(_ network: FirewallNetwork) throws {
        let lab = network.ports.lab
        try lab.host.shell("nft -f '\(try lab.write(Self.nftables, to: "foreign.nft"))'")
        for family in PortFamily.allCases {
            let text = Self.iptables.replacing("ADDRESS", with: network.address(family))
            let file = try lab.write(text, to: "foreign-\(family)")
            for kind in ["legacy", "nft"] {
                try lab.host.shell("\(family == .ipv4 ? "ip" : "ip6")tables-\(kind)-restore <'\(file)'")
            }
        }
    }

    /// All that is not ours, in order.
    private func foreign(_ host: LabNamespace) throws -> [String] {
        try ["inet firewall", "inet cni_firewall_of_others"].map { try host.nftTable($0) ?? "no table \($0)" }
            + PacketFilterBackend.iptables.flatMap { kind in
                try PortFamily.allCases.flatMap { family in
                    try host.savedRules(kind, family).filter { line in
                        !["CNI-FORWARD", "CNI-ADMIN", "CNI-ISOLATION", "CNI-FW-"].contains { line.contains($0) }
                    }.map { "\(kind) \(family) \($0)" }
                }
            }
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func areTheSameBeforeDuringAndAfter(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try FirewallNetwork(ports, backend, policy: "same-bridge")
        let attached = [try network.network.attach(0), try network.network.attach(1)]
        try install(network)
        let rules = try foreign(ports.host)
        #expect(rules.count > 30, "\(rules)")
        let before = try ports.lab.snapshot(files: false)
        for container in 0...1 {
            try network.admit(container, prevResult: attached[container])
            #expect(try foreign(ports.host) == rules, "\(backend), after ADD")
            try network.succeed("CHECK", container, prevResult: attached[container])
        }
        try network.succeed("DEL", 0, prevResult: attached[0])
        #expect(try foreign(ports.host) == rules, "\(backend), after DEL")
        try network.succeed("GC", members: #""cni.dev/valid-attachments": []"#)
        #expect(try foreign(ports.host) == rules, "\(backend), after GC")
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    /// An administrator may make the table for rules that are to be there before the first container is.
    @Test func aTableOfTheAdministratorsIsUsedAndStays() throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        let network = try FirewallNetwork(ports, .nftables)
        let attached = [try network.network.attach(0), try network.network.attach(1)]
        let before = try ports.lab.snapshot(files: false)
        let rules = """
            table inet cni_firewall {
                chain CNI-ADMIN {
                    ip daddr 192.0.2.2 counter drop comment "nobody goes there"
                }
            }
            """
        try ports.host.shell("nft -f '\(try ports.lab.write(rules, to: "admin.nft"))'")
        for container in 0...1 { try network.admit(container, prevResult: attached[container]) }
        try network.succeed("CHECK", prevResult: attached[0])
        let rows: [PortExpectation] = [
            .silence(from: ports.container, to: "192.0.2.2", 80),
            .answer(from: ports.container, to: "2001:db8::2", 80, by: PortLab.outsideName),
        ]
        try expect(ports, "", rows)
        for container in 0...1 { try network.succeed("DEL", container) }
        // What it says holds, containers or not, until the administrator takes it away.
        try expect(ports, "after DEL", rows)
        let text = try #require(try ports.host.nftTable("inet cni_firewall"))
        #expect(text.contains("nobody goes there") && !text.contains("attachment_") && !text.contains("elements"))
        try network.admit(0, prevResult: attached[0])
        try network.stopAdministrating()
        try network.succeed("DEL", 0)
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }
}
