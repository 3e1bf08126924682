public import NetworkAddress

/// One table of one family as the kernel's legacy interface has it. What is not touched stays as it is, byte for byte.
public struct LegacyTable: Sendable {
    /// A rule: its entry in the table, however much of it is understood.
    public struct Rule: Equatable, Sendable {
        let bytes: ArraySlice<UInt8>
        let verdict: LegacyVerdict
        /// Which of the kernel's entries it was, counted from 0: its counters stay. Nil for a new one.
        let position: Int?
    }

    /// A chain and its rules.
    public struct Chain: Sendable {
        /// What jumps mean it by.
        let number: Int
        public let name: String
        /// The hook whose chain it is (NF_INET_…), nil for a chain that rules lead to.
        let hook: Int?
        /// The entry that names it; nil for the chain of a hook.
        let head: Rule?
        public internal(set) var rules: [Rule]
        /// The entry at its end: the policy of the chain of a hook, else the return.
        let foot: Rule

        public var isBuiltIn: Bool { hook != nil }
    }

    public let family: AddressFamily
    public let table: IPTablesTable
    public internal(set) var chains: [Chain]
    /// The names of all chains that there are or were, by their numbers.
    var names: [Int: String]
    let validHooks: UInt32
    /// The entry that ends the table.
    let tail: Rule
    /// How many entries the kernel's table has.
    let entryCount: Int

    var layout: LegacyLayout { .of(family) }

    /// The chain of that name.
    public func chain(_ name: String) -> Chain? { chains.first { $0.name == name } }

    /// Packets and bytes that a rule met, as they were when the table was read.
    public func counters(of rule: Rule) -> (packets: UInt64, bytes: UInt64) {
        (rule.bytes.load(layout.counters), rule.bytes.load(layout.counters + 8))
    }

    /// A rule as a value; nil where some part of it is nothing that ``IPTablesRule`` knows.
    public func decode(_ rule: Rule) -> IPTablesRule? {
        var target: IPTablesRule.Target?
        switch rule.verdict {
        case .byExtension: break
        case .next: target = IPTablesRule.Target.none
        case .drop: target = .drop
        case .accept: target = .accept
        case .return: target = .return
        case .fixed: return nil
        case .chain(let number):
            guard let name = names[number].flatMap({ ChainName($0) }) else { return nil }
            target = .jump(name)
        }
        return IPTablesRule(legacy: rule.bytes, layout, verdict: target)
    }

    /// The name of the chain that a rule leads to.
    public func destination(of rule: Rule) -> String? {
        if case .chain(let number) = rule.verdict { names[number] } else { nil }
    }

    /// The rules of all chains. Those of chains that are neither of a hook nor named `CNI-…` are not looked into but
    /// for where they lead: there may be ten thousands of them.
    public var state: [String: [IPTablesState.Rule]] {
        var state: [String: [IPTablesState.Rule]] = [:]
        for chain in chains {
            let isOfInterest = chain.isBuiltIn || chain.name.hasPrefix("CNI-")
            state[chain.name] = chain.rules.map { rule in
                if isOfInterest, let known = decode(rule) { return IPTablesState.Rule(known) }
                return IPTablesState.Rule(unknownLeadingTo: destination(of: rule))
            }
        }
        return state
    }
}
