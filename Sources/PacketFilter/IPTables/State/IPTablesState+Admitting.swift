extension IPTablesState {
    /// The steps that let a container through; what the reference's plugins made already is used. What the same attachment
    /// had before is replaced. Throws where somebody has another policy on the same bridge.
    public func changes(admitting plan: IPTablesAdmission) throws(PacketFilterError) -> [IPTablesChange] {
        var edit = IPTablesEdit(self)
        // What a list of steps has added it cannot take out again: so this comes first.
        edit.takeBack(ofRecords: [plan.record.name], addresses: [])
        edit.mendAdmissions()
        let had = admissionRecords.first { $0.chain == plan.record.name }?.isolations ?? []
        if had.contains(where: { $0 != plan.isolation }) { edit.deleteUnusedIsolation() }
        try edit.state.refuseOtherPolicies(beside: plan)
        for chain in [.forwarding, plan.adminChain] { edit.makeIfMissing(chain) }
        for rule in plan.accepting where !edit.state.contains(.filter, .forwarding, rule) {
            edit.make(.append(.filter, .forwarding, rule))
        }
        edit.put(.toAdministrators(plan.adminChain), in: .forwarding) { $0.target == .accept }
        // Those of others too, should somebody have taken away what isolates them.
        var isolated: [IPTablesAdmission.Isolation] = []
        for isolation in edit.state.admissionRecords.flatMap(\.isolations) + (plan.isolation.map { [$0] } ?? [])
        where !isolated.contains(isolation) {
            edit.isolate(isolation)
            isolated.append(isolation)
        }
        edit.completeForward(isIsolating: !isolated.isEmpty)
        edit.makeIfMissing(plan.record.name)
        for rule in plan.record.rules { edit.make(.append(.filter, plan.record.name, rule)) }
        return edit.changes
    }

    private func refuseOtherPolicies(beside plan: IPTablesAdmission) throws(PacketFilterError) {
        guard let wanted = plan.isolation else { return }
        for record in admissionRecords {
            guard record.isolations.contains(where: { $0.bridge == wanted.bridge && $0 != wanted }) else { continue }
            throw .policyConflict(
                "iptables", bridge: "\(wanted.bridge)", isWithin: wanted.isWithin,
                owner: record.comments.first?.description ?? "chain \(record.chain)")
        }
    }
}

extension IPTablesEdit {
    /// Puts back what somebody took from containers by emptying `CNI-FORWARD`; or, where it is intact, deletes records of
    /// containers that the reference's plugin has detached, which does not know of records.
    fileprivate mutating func mendAdmissions() {
        if state.isForwardingIntact { return deleteStaleRecords() }
        let addresses = state.admissionRecords.flatMap(\.addresses)
        if addresses.isEmpty { return }
        makeIfMissing(.forwarding)
        for rule in addresses.flatMap({ IPTablesRule.accepting($0) })
        where !state.contains(.filter, .forwarding, rule) {
            make(.append(.filter, .forwarding, rule))
        }
    }

    /// Makes the rules for a bridge, where they are missing or come too late.
    fileprivate mutating func isolate(_ isolation: IPTablesAdmission.Isolation) {
        for chain in [ChainName.isolationIn, .isolationOut] { makeIfMissing(chain) }
        for (chain, rule) in [(ChainName.isolationIn, isolation.into), (.isolationOut, isolation.out)] {
            put(rule, in: chain) { $0 == .endOfIsolation }
            if !state.contains(.filter, chain, .endOfIsolation) { make(.append(.filter, chain, .endOfIsolation)) }
        }
    }

    /// Leads packets through our chains, in the one order that lets administrators decide first and isolation second.
    fileprivate mutating func completeForward(isIsolating: Bool) {
        put(.toForwarding, in: .forward) { _ in false }
        guard isIsolating || state.contains(.filter, .forward, .toIsolation) else { return }
        put(.toIsolation, in: .forward) { $0 == .toForwarding }
        for chain in state.administratorChains.reversed() {
            put(.toAdministrators(chain), in: .forward) { $0 == .toIsolation || $0 == .toForwarding }
        }
    }

    /// Sees to it that a rule is in a chain, before all rules that fulfil a condition; where it is not, it becomes the first.
    fileprivate mutating func put(
        _ rule: IPTablesRule, in chain: ChainName, before isLater: (IPTablesRule) -> Bool
    ) {
        let rules = (state.rules(.filter, chain) ?? []).map(\.rule)
        let limit = rules.firstIndex { $0.map(isLater) ?? false } ?? rules.endIndex
        if let position = rules.firstIndex(of: rule), position < limit { return }
        deleteRules(.filter, chain) { $0.rule == rule }
        make(.prepend(.filter, chain, rule))
    }

    fileprivate mutating func makeIfMissing(_ chain: ChainName) {
        if !state.contains(.filter, chain) { make(.makeChain(.filter, chain)) }
    }
}
