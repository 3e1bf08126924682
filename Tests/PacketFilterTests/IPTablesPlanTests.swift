import Foundation
import NetworkAddress
import PacketFilter
import TestSupport
import Testing

/// Intents become exactly the rules in `testdata/packet-filter/iptables-*.json`, and those are what iptables itself
/// makes of them.
@Suite struct IPTablesPlanTests {
    @Test(arguments: PlanRow.portForwarding + PlanRow.masquerading)
    func rulesOfAnIntent(row: PlanRow) {
        #expect(row.plan4?.lines ?? [] == row.expected4 ?? [])
        #expect(row.plan6?.lines ?? [] == row.expected6 ?? [])
    }

    /// Both kinds of iptables print the rules as we wrote them: nothing is missing, quoted otherwise or in another order.
    @Test(
        .needsLab, .enabled(if: Subprocess.find("iptables-legacy-restore") != nil, "needs the package iptables"),
        arguments: ["legacy", "nft"])
    func iptablesPrintsTheSame(variant: String) throws {
        let lab = try Lab(containers: 0)
        for row in PlanRow.portForwarding + PlanRow.masquerading {
            for (program, plan) in [("iptables", row.plan4), ("ip6tables", row.plan6)] {
                guard let plan else { continue }
                // The chain that one row expects somebody else to have made.
                let text =
                    plan.lines.map { line in
                        switch line {
                        case "*nat": "*nat\n:KUBE-MARK-MASQ - [0:0]\n"
                        case "-I PREROUTING -j CNI-LOCALNET": "\(line)\nCOMMIT\n"
                        default: line + "\n"
                        }
                    }.joined() + "COMMIT\n"
                let outcome = try lab.host.run("\(program)-\(variant)-restore", input: Array(text.utf8))
                #expect(outcome.isSuccess, "\(row.why): \(outcome)")
                for table in plan.tables {
                    let saved = try lab.host.shell("\(program)-\(variant)-save -t \(table)").split(separator: "\n")
                    let printed = saved.filter { $0.hasPrefix("-") }.map(String.init)
                    let expected = plan.lines(in: table).map { "-A" + $0.dropFirst(2) }
                    #expect(printed.sorted() == expected.sorted(), "\(row.why)")
                }
            }
        }
    }

    @Test(arguments: ["a\"b", "a\nb", "a\u{0}b"]) func namesThatWouldMeanSomethingElse(name: String) {
        let mapping = PortMapping(.tcp, hostPorts: 80...80, containerPort: 80)
        for owner in [
            RuleOwner(network: name, containerID: "c", interfaceName: "eth0"),
            RuleOwner(network: "n", containerID: name, interfaceName: "eth0"),
        ] {
            let containers = [IPPrefix("10.1.0.2/24")].compactMap { $0 }
            #expect(throws: PacketFilterError.self) {
                try IPTablesPlan(PortForwarding(owner: owner, mappings: [mapping], containers: containers), .ipv4)
            }
            #expect(throws: PacketFilterError.self) {
                try IPTablesPlan(Masquerading(owner: owner, addresses: containers, link: "cni0"), .ipv4)
            }
        }
    }

    @Test(arguments: ["", "-A", "A B", "A;B", "ACCEPT", "DROP", "a-name-of-more-than-28-letter", "Ä"])
    func chainsThatAreNone(name: String) {
        #expect(ChainName(name) == nil)
        var forwarding = PortForwarding(
            owner: RuleOwner(network: "n", containerID: "c", interfaceName: "eth0"),
            mappings: [PortMapping(.tcp, hostPorts: 80...80, containerPort: 80)],
            containers: [IPPrefix("10.1.0.2/24")].compactMap { $0 })
        forwarding.mark = .externalChain(name)
        #expect(throws: PacketFilterError.self) { try IPTablesPlan(forwarding, .ipv4) }
    }
}

extension IPTablesPlan {
    /// The rules of one table.
    fileprivate func lines(in table: IPTablesTable) -> [String] {
        let all = lines
        guard let start = all.firstIndex(of: "*\(table)") else { return [] }
        return all[(start + 1)...].prefix { !$0.hasPrefix("*") }.filter { $0.hasPrefix("-") }
    }
}
