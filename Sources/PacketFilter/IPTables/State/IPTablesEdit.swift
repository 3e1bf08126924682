/// Steps in the making, with the state that they lead to.
struct IPTablesEdit {
    private(set) var state: IPTablesState
    private(set) var changes: [IPTablesChange] = []

    init(_ state: IPTablesState) {
        self.state = state
    }

    mutating func make(_ change: IPTablesChange) {
        state.apply(change)
        changes.append(change)
    }

    /// Makes the chain where it is missing, and adds those of the rules that are.
    mutating func complete(_ chain: IPTablesPlan.Chain) {
        if !state.contains(chain.table, chain.name) { make(.makeChain(chain.table, chain.name)) }
        for rule in chain.rules where !state.contains(chain.table, chain.name, rule) {
            make(.append(chain.table, chain.name, rule))
        }
    }

    /// Adds a rule where it is missing.
    mutating func complete(_ entry: IPTablesPlan.Entry) {
        if state.contains(entry.table, entry.chain, entry.rule) { return }
        make(
            entry.isFirst
                ? .prepend(entry.table, entry.chain, entry.rule) : .append(entry.table, entry.chain, entry.rule))
    }

    /// Takes out the rules of a chain that fulfil a condition, from the last to the first, so that positions hold.
    mutating func deleteRules(
        _ table: IPTablesTable, _ chain: ChainName, where isMeant: (IPTablesState.Rule) -> Bool
    ) {
        let rules = state.rules(table, chain) ?? []
        for position in rules.indices.reversed() where isMeant(rules[position]) {
            make(.deleteRule(table, chain, at: position, rules[position].rule))
        }
    }

    /// Takes a container's chain out, and the rules that lead to it, wherever they are.
    mutating func deleteOwnChain(_ table: IPTablesTable, _ chain: ChainName) {
        for name in (state.tables[table] ?? [:]).keys.sorted() {
            guard let other = ChainName(name) else { continue }
            deleteRules(table, other) { $0.destination == chain.description }
        }
        guard state.contains(table, chain) else { return }
        // Something with a name that is none for us may lead to it still.
        make(state.isReferenced(table, chain) ? .flush(table, chain) : .deleteChain(table, chain))
    }

    /// Takes a chain that containers share out with the given rules that lead to it, unless others lead there too, or
    /// it holds rules that are not ours.
    mutating func deleteSharedChain(
        _ table: IPTablesTable, _ chain: ChainName, entries: [IPTablesPlan.Entry] = [],
        holdingOnly isOurs: (IPTablesRule) -> Bool
    ) {
        guard let rules = state.rules(table, chain), rules.allSatisfy({ $0.rule.map(isOurs) ?? false }) else { return }
        let others = (state.tables[table] ?? [:]).contains { name, rules in
            rules.contains { rule in
                rule.destination == chain.description
                    && !entries.contains { $0.chain.description == name && $0.rule == rule.rule }
            }
        }
        if others { return }
        for entry in entries { deleteRules(table, entry.chain) { $0.rule == entry.rule } }
        make(.deleteChain(table, chain))
    }
}
