public import NetworkAddress

extension IPTablesState {
    /// Takes out what the records of an attachment say, and what there is for these addresses, whoever let them through;
    /// but nothing that somebody else's record names.
    public func removal(
        ofAdmissionOf owner: RuleOwner, addresses: [IPAddress]
    ) -> [IPTablesChange] {
        var edit = IPTablesEdit(self)
        edit.takeBack(ofRecords: [.record(of: owner)], addresses: addresses)
        return edit.finishedRemoval
    }

    /// Takes out what the records say of attachments to a network that are not among the `living`.
    public func removal(ofAdmissionsTo network: String, sparing living: Set<RuleOwner>) -> [IPTablesChange] {
        let spared = Set(living.map(ChainName.record))
        let dead = admissionRecords.filter { $0.isOf(network: network) && !spared.contains($0.chain) }
        var edit = IPTablesEdit(self)
        edit.takeBack(ofRecords: dead.map(\.chain), addresses: [])
        return edit.finishedRemoval
    }
}

extension IPTablesEdit {
    /// Deletes records with the rules for their addresses and for further ones, unless another record names those.
    mutating func takeBack(ofRecords chains: [ChainName], addresses: [IPAddress]) {
        let gone = state.admissionRecords.filter { chains.contains($0.chain) }
        for record in gone { deleteOwnChain(.filter, record.chain) }
        let kept = Set(state.admissionRecords.flatMap(\.addresses))
        let rules = Set(
            (gone.flatMap(\.addresses) + addresses).filter { !kept.contains($0) }
                .flatMap { IPTablesRule.accepting($0) })
        if rules.isEmpty { return }
        deleteRules(.filter, .forwarding) { $0.rule.map(rules.contains) ?? false }
    }

    /// Deletes records that say nothing any more, and those whose addresses nobody lets through any more.
    mutating func deleteStaleRecords() {
        let accepted = state.acceptedAddresses
        for record in state.admissionRecords {
            let isStale =
                record.addresses.isEmpty ? record.isolations.isEmpty : accepted.isDisjoint(with: record.addresses)
            if isStale { deleteOwnChain(.filter, record.chain) }
        }
    }

    /// The steps, with those that take out what nobody needs any more; none where there was nothing to take out.
    fileprivate var finishedRemoval: [IPTablesChange] {
        if changes.isEmpty { return [] }
        var edit = self
        if edit.state.isForwardingIntact { edit.deleteStaleRecords() }
        edit.deleteUnusedIsolation()
        edit.deleteUnusedForwarding()
        return edit.changes
    }

    /// Takes out the rules of bridges that no record names, as long as no container was let through that has no record:
    /// the reference's plugin writes none, and it may be behind any of these bridges.
    mutating func deleteUnusedIsolation() {
        let records = state.admissionRecords
        guard state.acceptedAddresses.isSubset(of: records.flatMap(\.addresses)) else { return }
        let isolations = Set(records.flatMap(\.isolations))
        let kept = Set(isolations.flatMap { [$0.out, $0.into] })
        for chain in [ChainName.isolationOut, .isolationIn] {
            deleteRules(.filter, chain) { $0.rule.map { $0.isOfIsolation && !kept.contains($0) } ?? false }
        }
        if !isolations.isEmpty { return }
        deleteSharedChain(
            .filter, .isolationOut, entries: [IPTablesPlan.Entry(.filter, .forward, .toIsolation)]
        ) { $0 == .endOfIsolation }
        if !state.contains(.filter, .isolationOut) {
            deleteSharedChain(.filter, .isolationIn) { $0 == .endOfIsolation }
        }
    }

    /// Takes out what leads to the administrator's chain before isolation where there is none, or nobody of ours; and
    /// with the last container the rest. An administrator's chain that holds rules stays.
    fileprivate mutating func deleteUnusedForwarding() {
        // Whatever leads there may have been taken away.
        let administrators = Set(state.administratorChains + [.administrators])
        let isIsolating = state.contains(.filter, .forward, .toIsolation)
        let isLast = state.admissionRecords.isEmpty
        if isLast || !isIsolating {
            deleteRules(.filter, .forward) { $0.rule?.leadsToAdministrators ?? false }
        }
        if !isLast { return }
        deleteSharedChain(
            .filter, .forwarding, entries: [IPTablesPlan.Entry(.filter, .forward, .toForwarding)]
        ) { $0.leadsToAdministrators }
        for chain in administrators.sorted(by: { $0.description < $1.description })
        where state.rules(.filter, chain)?.isEmpty ?? false {
            if !state.isReferenced(.filter, chain) { make(.deleteChain(.filter, chain)) }
        }
    }
}

extension IPTablesRule {
    /// Whether it is a rule that isolates a bridge, whichever that is.
    fileprivate var isOfIsolation: Bool {
        guard case .only(let bridge)? = inputLink ?? outputLink else { return false }
        return [false, true].contains { isWithin in
            let isolation = IPTablesAdmission.Isolation(bridge: bridge, isWithin: isWithin)
            return self == isolation.out || self == isolation.into
        }
    }
}
