extension IPTablesState {
    /// Throws where a rule of the plan is missing, and names it and its chain.
    ///
    /// What the reference's plugins made for the same intent passes: a rule that does the same for more packets will do,
    /// and so does an entry with more ports. The guard of loopback addresses, which they do not have, may be missing as a
    /// whole; a part of it may not.
    public func check(_ plan: IPTablesPlan) throws(PacketFilterError) {
        let isGuarded =
            contains(.raw, .loopbackGuard)
            || contains(.raw, IPTablesPlan.loopbackGuardEntry.chain, IPTablesPlan.loopbackGuardEntry.rule)
        let tables: Set<IPTablesTable> = isGuarded ? [.nat, .raw] : [.nat]
        for chain in plan.sharedChains + [plan.ownChain] where tables.contains(chain.table) {
            guard let found = rules(chain.table, chain.name).map({ Set($0.compactMap(\.rule)) }) else {
                throw PacketFilterError(
                    backend: .iptables, operation: "chain \(chain.name) of table \(chain.table)", cause: .mismatch,
                    message: "is not there")
            }
            for rule in chain.rules
            where rule != IPTablesPlan.exceptLoopback && !found.contains(rule) && !found.contains(rule.fromAnywhere) {
                throw missing(rule, chain.name, chain.table)
            }
        }
        for entry in plan.sharedEntries + plan.ownEntries where tables.contains(entry.table) {
            let found = (rules(entry.table, entry.chain) ?? []).compactMap(\.rule)
            let isCovered = found.contains(entry.rule) || entry.rule.isCovered(by: found)
            if !isCovered { throw missing(entry.rule, entry.chain, entry.table) }
        }
    }

    private func missing(_ rule: IPTablesRule, _ chain: ChainName, _ table: IPTablesTable) -> PacketFilterError {
        PacketFilterError(
            backend: .iptables, operation: "chain \(chain) of table \(table)", cause: .mismatch,
            message: "there is no rule \(rule)")
    }
}

extension IPTablesRule {
    fileprivate var fromAnywhere: IPTablesRule {
        var rule = self
        rule.source = nil
        return rule
    }

    /// The ports that it is about, and the rest of it; nil where it has no ports.
    private var portsAndRest: (ports: [ClosedRange<UInt16>], rest: IPTablesRule)? {
        var rest = self
        var ports: [ClosedRange<UInt16>] = []
        rest.matches = matches.filter { match in
            guard case .multiport(let set) = match else { return true }
            ports += set.ranges
            return false
        }
        return ports.isEmpty ? nil : (ports, rest)
    }

    /// Whether rules that are the same but for their ports have all ports of this one.
    fileprivate func isCovered(by rules: [IPTablesRule]) -> Bool {
        guard let (ports, rest) = portsAndRest else { return false }
        let others = rules.compactMap { $0.portsAndRest }.filter { $0.rest == rest }.flatMap { $0.ports }
        return ports.allSatisfy { range in
            others.contains { $0.contains(range.lowerBound) && $0.contains(range.upperBound) }
        }
    }
}
