@testable import PacketFilter

extension IPTablesState {
    /// The rules of chain FORWARD.
    var forward: [IPTablesRule] { (rules(.filter, .forward) ?? []).compactMap(\.rule) }

    mutating func take(_ changes: [IPTablesChange]) { for change in changes { apply(change) } }

    mutating func admit(_ plan: IPTablesAdmission) throws { take(try changes(admitting: plan)) }

    func admitting(_ plan: IPTablesAdmission) throws -> IPTablesState {
        var state = self
        try state.admit(plan)
        return state
    }

    mutating func delete(_ rule: IPTablesRule, _ chain: ChainName) {
        guard let position = rules(.filter, chain)?.firstIndex(where: { $0.rule == rule }) else { return }
        apply(.deleteRule(.filter, chain, at: position, rule))
    }
}
