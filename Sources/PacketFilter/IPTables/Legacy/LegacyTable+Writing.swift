extension LegacyTable {
    /// A table as the kernel takes it.
    struct Compiled: Equatable {
        var information: LegacyTableInformation
        var entries: [UInt8] = []
        /// For each entry, which one it was in the table that was read.
        var positions: [Int?] = []
    }

    /// Puts the table together again.
    func compiled() -> Compiled {
        let starts = firstRules()
        var result = Compiled(information: LegacyTableInformation(validHooks: validHooks))
        result.entries.reserveCapacity(starts.size)
        for chain in chains {
            if let hook = chain.hook { result.information.hookEntries[hook] = UInt32(result.entries.count) }
            if let head = chain.head { append(head, to: &result, starts.offsets) }
            for rule in chain.rules { append(rule, to: &result, starts.offsets) }
            if let hook = chain.hook { result.information.underflows[hook] = UInt32(result.entries.count) }
            append(chain.foot, to: &result, starts.offsets)
        }
        append(tail, to: &result, starts.offsets)
        for hook in 0..<LegacyTableInformation.hookCount where !result.information.hasHook(hook) {
            // As the kernel itself says it.
            result.information.hookEntries[hook] = .max
            result.information.underflows[hook] = .max
        }
        result.information.entryCount = UInt32(result.positions.count)
        result.information.size = UInt32(result.entries.count)
        return result
    }

    /// The offset of each chain's first rule, by the number of the chain, and the size of it all.
    private func firstRules() -> (offsets: [Int: Int], size: Int) {
        var offsets: [Int: Int] = [:]
        var size = 0
        for chain in chains {
            size += chain.head?.bytes.count ?? 0
            offsets[chain.number] = size
            size += chain.rules.reduce(0) { $0 + $1.bytes.count } + chain.foot.bytes.count
        }
        return (offsets, size + tail.bytes.count)
    }

    private func append(_ rule: Rule, to result: inout Compiled, _ starts: [Int: Int]) {
        let start = result.entries.count
        result.entries += rule.bytes
        result.positions.append(rule.position)
        let verdict: Int
        switch rule.verdict {
        case .byExtension, .fixed: return
        case .next: verdict = result.entries.count
        case .chain(let number):
            guard let first = starts[number] else { preconditionFailure("a rule leads to a chain that is gone") }
            verdict = first
        }
        let target: UInt16 = rule.bytes.load(layout.targetOffset)
        result.entries.store(Int32(verdict), at: start + Int(target) + LegacyExtension.headerSize)
    }
}
