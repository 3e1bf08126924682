import Foundation
import JSON
import NetworkAddress
import PacketFilter
import TestSupport
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
        let forwarding = try portForwarding(row)
        return { family in try IPTablesPlan(forwarding, family) }
    }
    static let masquerading = read("iptables-masquerading.json") { row in
        let addresses = try row["addresses"].elements().compactMap { IPPrefix(try $0.string() ?? "") }
        let masquerading = Masquerading(owner: try owner(row), addresses: addresses, link: "cni0")
        return { family in try IPTablesPlan(masquerading, family) }
    }

    private static func read(
        _ file: String, _ intent: (JSONField) throws -> (AddressFamily) throws -> IPTablesPlan?
    ) -> [PlanRow] {
        do {
            let rows = JSONField(try JSONValue(parsing: Array(try Repository.testData("packet-filter/" + file))))
            return try rows.elements().map { row in
                let plan = try intent(row)
                return PlanRow(
                    why: try row["why"].string() ?? "", plan4: try plan(.ipv4), plan6: try plan(.ipv6),
                    expected4: try lines(row["ipv4"]), expected6: try lines(row["ipv6"]))
            }
        } catch {
            fatalError("\(file): \(error)")
        }
    }

    private static func lines(_ field: JSONField) throws -> [String] {
        try field.elements().compactMap { try $0.string() }
    }

    private static func owner(_ row: JSONField) throws -> RuleOwner {
        RuleOwner(
            network: try row["network"].string() ?? "net", containerID: try row["containerID"].string() ?? "c1",
            interfaceName: "eth0")
    }

    private static func portForwarding(_ row: JSONField) throws -> PortForwarding {
        var forwarding = PortForwarding(
            owner: try owner(row), mappings: try row["mappings"].elements().map(mapping),
            containers: try row["containers"].elements().compactMap { IPPrefix(try $0.string() ?? "") },
            conditions: try row["conditions"].elements().map(condition), link: try row["link"].string())
        switch try row["sourceTranslation"].string() {
        case "never": forwarding.sourceTranslation = .never
        case "always": forwarding.sourceTranslation = .always
        default: break
        }
        if let bit = try row["markBit"].integer(in: 0...UInt8(31)) { forwarding.mark = .bit(bit) }
        if let chain = try row["markChain"].string() { forwarding.mark = .externalChain(chain) }
        return forwarding
    }

    private static func mapping(_ row: JSONField) throws -> PortMapping {
        let ports = try row["hostPorts"].elements().compactMap { try $0.integer(in: 1...UInt16.max) }
        return PortMapping(
            try row["protocol"].required("a protocol") { field throws(JSONError) in
                try field.text("a protocol", TransportProtocol.init(name:))
            },
            hostAddress: IPAddress(try row["hostAddress"].string() ?? ""), hostPorts: ports[0]...ports[1],
            containerPort: try row["containerPort"].integer(in: 1...UInt16.max) ?? 0)
    }

    private static func condition(_ row: JSONField) throws -> RuleCondition {
        let family = AddressFamily(rawValue: try row["family"].integer(in: 4...UInt8(6)) ?? 4) ?? .ipv4
        let isNegated = try row["not"].bool() ?? false
        if let prefix = IPPrefix(try row["source"].string() ?? "") {
            return RuleCondition(family, .source(prefix), isNegated: isNegated)
        }
        if let prefix = IPPrefix(try row["destination"].string() ?? "") {
            return RuleCondition(family, .destination(prefix), isNegated: isNegated)
        }
        return RuleCondition(family, .inputLink(try row["inputLink"].string() ?? ""), isNegated: isNegated)
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
