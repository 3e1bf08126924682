import JSON
import NetworkAddress
import Testing

@testable import PacketFilter

/// A row of `testdata/packet-filter/nft-*.json`: what one of our tables is to hold for an intent.
struct HoldingRow: Sendable, CustomTestStringConvertible {
    let why: String
    let holding: NFTHolding
    let layout: NFTLayout
    /// What is published one by one; only of published ports.
    let published: [PublishedPort]
    /// The texts of the elements, in order.
    let elements: [String]
    /// The owner's own rules, as `nft` reads them.
    let rules: [String]

    var testDescription: String { why }

    static let ports = JSONField.rows(of: "nft-ports.json") { row in
        let forwarding = try row.portForwarding()
        return try HoldingRow(
            row, NFTPorts.holding(for: forwarding), NFTPorts.layout, published: forwarding.published)
    }
    static let masquerading = JSONField.rows(of: "nft-masquerading.json") { row in
        try HoldingRow(row, NFTMasquerade.holding(for: row.masquerading()), NFTMasquerade.layout)
    }
    static let pinning = JSONField.rows(of: "nft-pinning.json") { row in
        try HoldingRow(row, NFTSpoofCheck.holding(for: row.pinning()), NFTSpoofCheck.layout)
    }
    static let admissions = JSONField.rows(of: "nft-firewall.json") { row in
        try HoldingRow(row, NFTFirewall.holding(for: row.admission()), NFTFirewall.layout)
    }
    static let all = ports + masquerading + pinning + admissions

    private init(
        _ row: JSONField, _ holding: NFTHolding, _ layout: NFTLayout, published: [PublishedPort] = []
    ) throws {
        why = try row["why"].string() ?? ""
        self.holding = holding
        self.layout = layout
        self.published = published
        elements = try row["elements"].texts()
        rules = try row["rules"].texts()
    }
}

extension NFTRule {
    /// As `nft` reads it; of the statements, those that rules of owners are made of.
    var text: String {
        statements.map(\.text).joined(separator: " ") + " comment \"\(comment)\""
    }
}

extension NFTStatement {
    fileprivate var text: String {
        switch self {
        case .family(let family): "meta nfproto \(family)"
        case .source(let prefix, let isNegated): "\(prefix.keyword) saddr \(isNegated ? "!= " : "")\(prefix)"
        case .destination(let prefix, let isNegated): "\(prefix.keyword) daddr \(isNegated ? "!= " : "")\(prefix)"
        case .inputLink(let name, let isNegated): "iifname \(isNegated ? "!= " : "")\"\(name)\""
        case .jump(let chain): "jump \(chain)"
        default: "\(self)"
        }
    }
}

extension IPPrefix {
    fileprivate var keyword: String { family == .ipv4 ? "ip" : "ip6" }
}
