extension LegacyTable {
    /// Makes one step of a change.
    public mutating func make(_ change: IPTablesChange) throws(PacketFilterError) {
        switch change {
        case .makeChain(_, let name): try makeChain(name)
        case .append(_, let name, let rule):
            let index = try index(of: name)
            chains[index].rules.append(try encode(rule))
        case .prepend(_, let name, let rule):
            let index = try index(of: name)
            chains[index].rules.insert(try encode(rule), at: 0)
        case .deleteRule(_, let name, let position, _): try deleteRule(name, at: position)
        case .flush(_, let name): chains[try index(of: name)].rules = []
        case .deleteChain(_, let name): try deleteChain(name)
        }
    }

    /// Whether some rule leads to the chain.
    public func isReferenced(_ chain: Chain) -> Bool {
        let jump = LegacyVerdict.chain(chain.number)
        return chains.contains { $0.foot.verdict == jump || $0.rules.contains { $0.verdict == jump } }
    }

    /// `-N`
    private mutating func makeChain(_ name: ChainName) throws(PacketFilterError) {
        if chain(name.description) != nil { throw failure("make chain \(name)", "it is there already") }
        let layout = layout
        let foot = LegacyTable.entry(layout, target: .verdict(-5))
        var errorName = [UInt8](repeating: 0, count: 30)
        errorName.store(name.description.utf8, at: 0)
        let head = LegacyTable.entry(layout, target: LegacyExtension("ERROR", errorName))
        let chain = Chain(
            number: names.count, name: name.description, hook: nil,
            head: Rule(bytes: head[...], verdict: .byExtension, position: nil), rules: [],
            foot: Rule(bytes: foot[...], verdict: .return, position: nil))
        // Sorted by name behind those of the hooks: iptables finds them by halving.
        let place = chains.firstIndex {
            !$0.isBuiltIn && $0.name.utf8.lexicographicallyPrecedes(name.description.utf8) == false
        }
        chains.insert(chain, at: place ?? chains.endIndex)
        names[chain.number] = chain.name
    }

    private mutating func deleteRule(_ name: ChainName, at position: Int) throws(PacketFilterError) {
        let index = try index(of: name)
        guard chains[index].rules.indices.contains(position) else {
            throw failure("delete rule \(position + 1) of chain \(name)", "there is none")
        }
        chains[index].rules.remove(at: position)
    }

    /// `-F`, `-X`
    private mutating func deleteChain(_ name: ChainName) throws(PacketFilterError) {
        let index = try index(of: name)
        chains[index].rules = []
        if chains[index].isBuiltIn || isReferenced(chains[index]) {
            throw failure("delete chain \(name)", "rules lead to it")
        }
        chains.remove(at: index)
    }

    private func index(of name: ChainName) throws(PacketFilterError) -> Int {
        guard let index = chains.firstIndex(where: { $0.name == name.description }) else {
            throw failure("chain \(name)", "is not there")
        }
        return index
    }

    /// A new rule.
    private func encode(_ rule: IPTablesRule) throws(PacketFilterError) -> Rule {
        let verdict: LegacyVerdict
        switch rule.target {
        case .none: verdict = .next
        case .accept: verdict = .accept
        case .drop: verdict = .drop
        case .return: verdict = .return
        case .jump(let name):
            let destination = chains[try index(of: name)]
            if destination.isBuiltIn { throw failure("jump to chain \(name)", "it belongs to a hook") }
            verdict = .chain(destination.number)
        case .destination, .masquerade, .setMark: verdict = .byExtension
        }
        guard let bytes = rule.encoded(layout) else {
            throw failure("add the rule \(rule)", "it is about the other family")
        }
        return Rule(bytes: bytes[...], verdict: verdict, position: nil)
    }

    private func failure(_ operation: String, _ message: String) -> PacketFilterError {
        PacketFilterError(
            backend: .iptables, operation: "\(operation) (table \(table))", cause: .mismatch, message: message)
    }

    /// An entry that every packet meets.
    static func entry(_ layout: LegacyLayout, matches: [LegacyExtension] = [], target: LegacyExtension) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: layout.size)
        for match in matches { bytes += match.bytes }
        bytes.store(UInt16(bytes.count), at: layout.targetOffset)
        bytes += target.bytes
        bytes.store(UInt16(bytes.count), at: layout.nextOffset)
        return bytes
    }
}
