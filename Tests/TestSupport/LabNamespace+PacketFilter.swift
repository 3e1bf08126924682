internal import Foundation

/// State of the packet filter, as `nft` and `iptables-save` tell it. Reading never makes a table.
extension LabNamespace {
    /// The names of all tables: `inet cni_ports`, `ip nat` (also where iptables-nft made it), and `iptables-legacy nat`,
    /// `ip6tables-legacy nat`.
    public func filterTables() throws -> [String] {
        let lines = try shell(
            """
            nft list tables | sed 's/^table //'
            sed 's/^/iptables-legacy /' /proc/net/ip_tables_names 2>/dev/null
            sed 's/^/ip6tables-legacy /' /proc/net/ip6_tables_names 2>/dev/null
            true
            """)
        return lines.split(separator: "\n").map(String.init)
    }

    /// `nft -s list table …`, without counters; nil where there is no such table.
    public func nftTable(_ name: String) throws -> String? {
        let outcome = try run("nft", ["-s", "list", "table"] + name.split(separator: " ").map(String.init))
        return outcome.isSuccess ? outcome.outputText : nil
    }

    /// What `iptables-save` or `ip6tables-save` of a variant prints, without counters and comments.
    ///
    /// - Parameter backend: which variant; not nftables.
    public func savedRules(_ backend: PacketFilterBackend, _ family: PortFamily) throws -> [String] {
        let program = (family == .ipv4 ? "ip" : "ip6") + "tables-" + (backend == .iptablesLegacy ? "legacy" : "nft")
        return try shell("\(program)-save").split(separator: "\n").filter { !$0.hasPrefix("#") }.map(withoutCounters)
    }

    /// One line a rule, an element, a chain, a map or a table, for ``LabSnapshot``.
    public func filterFacts(_ place: String) throws -> [String] {
        // nft does not tell comments of iptables rules: both are asked.
        let text = try shell(
            """
            command -v nft >/dev/null || exit 0
            nft -s list ruleset 2>/dev/null
            for program in iptables ip6tables; do
                echo "# $program-nft"
                $program-nft-save 2>/dev/null
                grep -qs . "/proc/net/${program%tables}_tables_names" || continue
                echo "# $program-legacy"
                $program-legacy-save
            done
            true
            """)
        var facts: [String] = []
        var (variant, table) = ("", Substring())
        var nesting: [Substring] = []
        for line in text.split(separator: "\n") {
            let words = line.drop { $0 == "\t" || $0 == " " }
            if words.hasPrefix("# ") {
                let name = words.dropFirst(2)
                if name.hasPrefix("iptables-") || name.hasPrefix("ip6tables-") { variant = String(name) }
            } else if !variant.isEmpty {
                if words.hasPrefix("*") { table = words.dropFirst() }
                facts += iptablesFacts(words).map { "\(variant) \(table) \($0)" }
            } else if words.hasSuffix("{") {
                nesting.append(words.dropLast(2))
                facts += nftFacts("", nesting)
            } else if words == "}" {
                nesting = nesting.dropLast()
            } else {
                facts += nftFacts(words, nesting)
            }
        }
        return facts.map { "\(place) \($0)" }
    }

    /// What a line of `nft list` says that stands in a table and a chain, a map or a set, or opens one of those.
    private func nftFacts(_ line: Substring, _ nesting: [Substring]) -> [String] {
        let isOfIPTables = nesting.first.map(Self.tablesOfIPTables.contains) ?? false
        let isBuiltIn = nesting.count > 1 && Self.chainsOfIPTables.contains(nesting[1])
        if isOfIPTables && (nesting.count == 1 || isBuiltIn && (line.isEmpty || line.hasPrefix("type "))) { return [] }
        let place = "nft " + nesting.joined(separator: " ")
        if !(nesting.last?.hasPrefix("map ") ?? false || nesting.last?.hasPrefix("set ") ?? false) {
            return [line.isEmpty ? place : "\(place): \(line)"]
        }
        // A list of elements goes over several lines, each with several of them.
        let elements = line.replacing("elements = { ", with: "").replacing(/\s\}$|,$/, with: "")
        return elements.split(separator: ", ").map { "\(place): \($0)" } + (line.isEmpty ? [place] : [])
    }

    /// What a line of `iptables-save` says.
    private func iptablesFacts(_ line: Substring) -> [String] {
        if line.hasPrefix("*") || line == "COMMIT" || line.contains(/^:[A-Z]+ ACCEPT/) { return [] }
        return [withoutCounters(line)]
    }

    private func withoutCounters(_ line: Substring) -> String {
        String(line.replacing(/\s\[\d+:\d+\]$/, with: ""))
    }

    private static let tablesOfIPTables = Set(
        ["ip", "ip6"].flatMap { family in
            ["nat", "filter", "mangle", "raw", "security"].map { Substring("table \(family) \($0)") }
        })
    private static let chainsOfIPTables: Set<Substring> = [
        "chain PREROUTING", "chain INPUT", "chain FORWARD", "chain OUTPUT", "chain POSTROUTING",
    ]
}
