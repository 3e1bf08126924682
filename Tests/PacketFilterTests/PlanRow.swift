import JSON
import NetworkAddress
import PacketFilter
import Testing

/// A row of `testdata/packet-filter/iptables-*.json`: an intent, and the rules of it.
struct PlanRow: Sendable, CustomTestStringConvertible {
    let why: String
    let plan4: IPTablesPlan?
    let plan6: IPTablesPlan?
    /// Nil where the row says nothing of that family.
    let expected4: [String]?
    let expected6: [String]?

    var testDescription: String { why }

    static let portForwarding = read("iptables-port-forwarding.json") { row in
        let forwarding = try row.portForwarding()
        return { family in try IPTablesPlan(forwarding, family) }
    }
    static let masquerading = read("iptables-masquerading.json") { row in
        let masquerading = try row.masquerading()
        return { family in try IPTablesPlan(masquerading, family) }
    }

    private static func read(
        _ file: String, _ intent: (JSONField) throws -> (AddressFamily) throws -> IPTablesPlan?
    ) -> [PlanRow] {
        JSONField.rows(of: file) { row in
            let plan = try intent(row)
            return PlanRow(
                why: try row["why"].string() ?? "", plan4: try plan(.ipv4), plan6: try plan(.ipv6),
                expected4: try row["ipv4"].texts(), expected6: try row["ipv6"].texts())
        }
    }
}

extension IPTablesPlan {
    /// The plan as `iptables-restore --noflush` takes it, without `COMMIT`.
    var lines: [String] {
        tables.flatMap { table in
            let chains = (sharedChains + [ownChain]).filter { $0.table == table }
            let entries = (sharedEntries + ownEntries).filter { $0.table == table }
            return ["*\(table)"] + chains.map { ":\($0.name) - [0:0]" }
                + chains.flatMap { chain in chain.rules.map { "-A \(chain.name) \($0)" } }
                + entries.map { "\($0.isFirst ? "-I" : "-A") \($0.chain) \($0.rule)" }
        }
    }
}

/// A row of `testdata/packet-filter/iptables-firewall.json`.
struct AdmissionRow: Sendable, CustomTestStringConvertible {
    let why: String
    let admission: ContainerAdmission
    let expected: [AddressFamily: [String]]

    var testDescription: String { why }

    static let all = JSONField.rows(of: "iptables-firewall.json") { row in
        AdmissionRow(
            why: try row["why"].string() ?? "", admission: try row.admission(),
            expected: [.ipv4: try row["ipv4"].texts(), .ipv6: try row["ipv6"].texts()])
    }
}

extension IPTablesState {
    /// Table filter as `iptables-save` prints it, without chains that the kernel calls and hold nothing.
    var filterLines: [String] {
        let chains = (tables[.filter] ?? [:]).sorted { $0.key < $1.key }
        return chains.filter { !["INPUT", "FORWARD", "OUTPUT"].contains($0.key) }
            .map { ":\($0.key) -" }
            + chains.flatMap { chain in
                chain.value.map { rule in
                    "-A \(chain.key) \(rule.rule.map(String.init) ?? "-j \(rule.destination ?? "?")")"
                }
            }
    }
}
