public import NetworkAddress

/// What the tables of one family hold, as far as it is understood, whichever kind of iptables they belong to.
public struct IPTablesState: Equatable, Sendable {
    /// A rule as it was found.
    public struct Rule: Equatable, Sendable {
        /// Nil where some part of it is nothing that ``IPTablesRule`` knows.
        public let rule: IPTablesRule?
        /// The chain that it leads to by a jump or goto, known even where the rest is not.
        public let destination: String?

        /// A rule that is understood.
        public init(_ rule: IPTablesRule) {
            self.rule = rule
            destination = rule.jumpDestination?.description
        }

        /// A rule that is not.
        public init(unknownLeadingTo destination: String?) {
            rule = nil
            self.destination = destination
        }
    }

    public let family: AddressFamily
    /// The tables that were read, and their chains by name.
    public private(set) var tables: [IPTablesTable: [String: [Rule]]]

    public init(_ family: AddressFamily, tables: [IPTablesTable: [String: [Rule]]] = [:]) {
        self.family = family
        self.tables = tables
    }

    /// The rules of a chain; nil where there is no such chain.
    public func rules(_ table: IPTablesTable, _ chain: ChainName) -> [Rule]? { tables[table]?[chain.description] }

    /// Whether there is a chain of that name.
    public func contains(_ table: IPTablesTable, _ chain: ChainName) -> Bool { rules(table, chain) != nil }

    /// Whether a chain holds a rule that is equal to `rule`.
    public func contains(_ table: IPTablesTable, _ chain: ChainName, _ rule: IPTablesRule) -> Bool {
        rules(table, chain)?.contains { $0.rule == rule } ?? false
    }

    /// Whether some rule of the table leads to the chain.
    public func isReferenced(_ table: IPTablesTable, _ chain: ChainName) -> Bool {
        (tables[table] ?? [:]).values.contains { $0.contains { $0.destination == chain.description } }
    }

    /// The names of the chains of a table that start with `prefix`, sorted.
    func chains(_ table: IPTablesTable, startingWith prefix: StaticString) -> [ChainName] {
        (tables[table] ?? [:]).keys.filter { $0.hasPrefix("\(prefix)") }.sorted().compactMap { ChainName($0) }
    }

    /// The state after a change, which must be possible.
    mutating func apply(_ change: IPTablesChange) {
        switch change {
        case .makeChain(let table, let chain): tables[table, default: [:]][chain.description] = []
        // Where nobody has made a chain that the kernel calls, it comes with its first rule.
        case .append(let table, let chain, let rule):
            tables[table, default: [:]][chain.description, default: []].append(Rule(rule))
        case .prepend(let table, let chain, let rule):
            tables[table, default: [:]][chain.description, default: []].insert(Rule(rule), at: 0)
        case .deleteRule(let table, let chain, let position, _):
            _ = tables[table]?[chain.description]?.remove(at: position)
        case .flush(let table, let chain): tables[table]?[chain.description] = []
        case .deleteChain(let table, let chain): tables[table]?[chain.description] = nil
        }
    }
}
