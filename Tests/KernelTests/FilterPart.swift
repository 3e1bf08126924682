import Foundation
import JSON
import TestSupport

/// One rule or one element of a map that a plugin made, to be taken away as a clumsy administrator would.
struct FilterPart: CustomStringConvertible {
    /// The chain or the map; for a rule of a table of our own its table will do.
    let places: [String]
    let description: String
    /// A line of shell that takes it away.
    let removal: String

    /// Every part of a table of nftables, such as `inet cni_ports`.
    static func parts(ofTable table: String, in lab: Lab) throws -> [FilterPart] {
        let words = try lab.host.shell("nft -j list table \(table)")
        let objects = try JSONDecoder().decode(Listing.self, from: Data(words.utf8)).nftables
        return objects.flatMap { object -> [FilterPart] in
            if let rule = object.rule {
                return [
                    FilterPart(
                        places: [rule.chain, table.split(separator: " ").last.map(String.init) ?? table],
                        description: "rule \(rule.handle) of \(rule.chain), \(rule.comment ?? "without comment")",
                        removal: "nft delete rule \(table) \(rule.chain) handle \(rule.handle)")
                ]
            }
            guard let map = object.map ?? object.set else { return [] }
            return (map.elem ?? []).map { element in
                FilterPart(
                    places: [map.name], description: "\(map.name): \(element.key)",
                    removal: "nft 'delete element \(table) \(map.name) { \(element.key) }'")
            }
        }
    }

    /// Takes away every rule in every table, as a service does that starts its firewall anew.
    static func flushEverything(_ lab: Lab) throws {
        try lab.host.shell(
            """
            nft flush ruleset
            for program in iptables ip6tables; do
                for table in $(cat /proc/net/${program%tables}_tables_names); do
                    $program-legacy -t $table -F && $program-legacy -t $table -X
                done
            done
            """)
    }

    /// Every rule of iptables, in all tables and both families.
    static func parts(of backend: PacketFilterBackend, in lab: Lab) throws -> [FilterPart] {
        try PortFamily.allCases.flatMap { family -> [FilterPart] in
            let rules = try lab.host.savedRules(backend, family)
            let folder = "\(backend)-\(family)"
            let variant = backend == .iptablesLegacy ? "tables-legacy" : "tables-nft"
            let program = (family == .ipv4 ? "ip" : "ip6") + variant
            return try rules.indices.filter { rules[$0].hasPrefix("-A ") }.map { number in
                var others = rules
                let rule = others.remove(at: number)
                let file = try lab.write(others.joined(separator: "\n") + "\n", to: "\(folder)/without-\(number)")
                return FilterPart(
                    places: [String(rule.split(separator: " ")[1])], description: "\(program) \(rule)",
                    removal: "\(program)-restore <'\(file)'")
            }
        }
    }

    private struct Listing: Decodable {
        let nftables: [Object]
    }

    private struct Object: Decodable {
        let rule: Rule?
        let map: Map?
        let set: Map?
    }

    private struct Rule: Decodable {
        let chain: String
        let handle: Int
        let comment: String?
    }

    private struct Map: Decodable {
        let name: String
        let elem: [Element]?
    }

    /// The key of an element of a set, or of a map, where it is the first of a pair.
    private struct Element: Decodable {
        let key: Key

        init(from decoder: any Decoder) throws {
            if var pair = try? decoder.unkeyedContainer() {
                key = try pair.decode(Key.self)
            } else {
                key = try Key(from: decoder)
            }
        }
    }

    /// As `nft` reads it.
    private struct Key: Decodable, CustomStringConvertible {
        let description: String

        private enum CodingKeys: String, CodingKey { case elem, val, concat, range, prefix, addr, len }

        init(from decoder: any Decoder) throws {
            if let value = try? decoder.singleValueContainer() {
                if let text = (try? value.decode(Int.self)).map(String.init) ?? (try? value.decode(String.self)) {
                    description = text
                    return
                }
            }
            let object = try decoder.container(keyedBy: CodingKeys.self)
            if let inner = try? object.decode(Key.self, forKey: .elem) {
                description = inner.description
            } else if let inner = try? object.decode(Key.self, forKey: .val) {
                description = inner.description
            } else if let parts = try? object.decode([Key].self, forKey: .concat) {
                description = parts.map(\.description).joined(separator: " . ")
            } else if let bounds = try? object.decode([Key].self, forKey: .range) {
                description = bounds.map(\.description).joined(separator: "-")
            } else {
                let prefix = try object.nestedContainer(keyedBy: CodingKeys.self, forKey: .prefix)
                description = try "\(prefix.decode(Key.self, forKey: .addr))/\(prefix.decode(Int.self, forKey: .len))"
            }
        }
    }
}
