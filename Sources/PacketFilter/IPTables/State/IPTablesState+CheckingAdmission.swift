extension IPTablesState {
    /// Throws where a rule is missing that lets the container through, or isolates it, or comes too late to do so.
    ///
    /// What the reference's plugin made passes, which writes no record, and asks the administrator after it has isolated.
    public func check(_ plan: IPTablesAdmission) throws(PacketFilterError) {
        let record = rules(.filter, plan.record.name)?.compactMap(\.rule)
        if let record, Set(record) != Set(plan.record.rules) {
            throw failure(plan.record.name, "records something else")
        }
        try require(.toForwarding, in: .forward) { _ in false }
        guard contains(.filter, plan.adminChain) else { throw failure(plan.adminChain, "is not there") }
        try require(.toAdministrators(plan.adminChain), in: .forwarding) { $0.target == .accept }
        for rule in plan.accepting { try require(rule, in: .forwarding) { _ in false } }
        guard let isolation = plan.isolation else { return }
        try require(.toIsolation, in: .forward) { $0 == .toForwarding }
        try require(isolation.out, in: .isolationOut) { $0.target == .return }
        try require(isolation.into, in: .isolationIn) { $0.target == .return }
        for chain in [ChainName.isolationOut, .isolationIn] {
            try require(.endOfIsolation, in: chain) { _ in false }
        }
        if record != nil {
            try require(.toAdministrators(plan.adminChain), in: .forward) { $0 == .toIsolation }
        }
    }

    /// Throws unless the rule is there, before all rules that fulfil a condition.
    private func require(
        _ rule: IPTablesRule, in chain: ChainName, before isLater: (IPTablesRule) -> Bool
    ) throws(PacketFilterError) {
        guard let found = rules(.filter, chain)?.map(\.rule) else { throw failure(chain, "is not there") }
        guard let position = found.firstIndex(of: rule) else { throw failure(chain, "there is no rule \(rule)") }
        if let limit = found.firstIndex(where: { $0.map(isLater) ?? false }), limit < position {
            throw failure(chain, "the rule \(rule) comes too late")
        }
    }

    private func failure(_ chain: ChainName, _ message: String) -> PacketFilterError {
        PacketFilterError(
            backend: .iptables, operation: "chain \(chain) of table filter", cause: .mismatch, message: message)
    }
}
