internal import NetworkAddress

/// The tables of one kind of iptables, in the network namespace of the calling thread.
protocol IPTablesKind {
    /// Whether the tables of a family may hold that chain. No costs more than a look, and makes no table.
    func mayContain(
        _ table: IPTablesTable, _ chain: ChainName, _ family: AddressFamily
    ) throws(PacketFilterError) -> Bool

    /// What the tables hold. Those that nobody has made yet hold nothing, and are not made by looking.
    func state(_ family: AddressFamily, _ tables: [IPTablesTable]) throws(PacketFilterError) -> IPTablesState

    /// Reads tables, lets `decide` say what to change, and changes that; all of it again where somebody else came in between.
    ///
    /// - Parameter creating: whether tables are made that nobody has made yet; else `decide` is not asked about them.
    func change(
        _ family: AddressFamily, _ tables: [IPTablesTable], creating: Bool,
        _ decide: (IPTablesState) throws(PacketFilterError) -> [IPTablesChange]
    ) throws(PacketFilterError)

    /// Finds out whether the kernel knows all that what `decide` says needs, as far as that can be told without changing
    /// anything.
    func tryOut(
        _ family: AddressFamily, _ tables: [IPTablesTable],
        _ decide: (IPTablesState) throws(PacketFilterError) -> [IPTablesChange]
    ) throws(PacketFilterError)
}

extension IPTablesKind {
    /// Whether the tables of a family may hold that chain of table nat.
    func mayContain(_ chain: ChainName, _ family: AddressFamily) throws(PacketFilterError) -> Bool {
        try mayContain(.nat, chain, family)
    }

    /// Finds out whether the kernel knows all that a plan needs.
    func tryOut(_ plan: IPTablesPlan) throws(PacketFilterError) {
        try tryOut(plan.family, plan.tables) { state throws(PacketFilterError) in try state.changes(applying: plan) }
    }

    /// Brings a plan into the tables; a port that is published already is a conflict, and nothing changes.
    func apply(_ plan: IPTablesPlan) throws(PacketFilterError) {
        do throws(PacketFilterError) {
            try change(plan.family, plan.tables, creating: true) { state throws(PacketFilterError) in
                try state.changes(applying: plan)
            }
        } catch {
            // The guard of loopback addresses comes first, and is of no use without the rest.
            if plan.tables.contains(.raw) {
                try? change(plan.family, [.nat, .raw], creating: false) { state in state.removalOfUnusedGuard.changes }
            }
            throw error
        }
    }

    /// Throws where a rule of the plan is missing.
    func check(_ plan: IPTablesPlan) throws(PacketFilterError) { try state(plan.family, plan.tables).check(plan) }

    /// Takes out what there is for one container, in both families or in some, whoever made it.
    ///
    /// - Parameter before: called with what is about to be taken out.
    /// - Returns: what was published.
    func remove(
        _ purpose: OwnerComment.Purpose, _ owner: RuleOwner, _ families: [AddressFamily] = AddressFamily.allCases,
        before: (IPTablesRemoval) throws(PacketFilterError) -> Void
    ) throws(PacketFilterError) -> [PublishedPort] {
        let chain = ChainName.own(purpose, owner.network, owner.containerID)
        return try remove(
            purpose,
            where: { family throws(PacketFilterError) in
                try families.contains(family) ? mayContain(chain, family) : false
            }, before
        ) {
            $0.removal(of: purpose, owner.network, owner.containerID)
        }
    }

    /// Takes out what there is for containers of a network that are not among the `living`, in both families.
    func collectGarbage(
        _ purpose: OwnerComment.Purpose, network: String, living: Set<String>,
        before: (IPTablesRemoval) throws(PacketFilterError) -> Void
    ) throws(PacketFilterError) -> [PublishedPort] {
        try remove(purpose, where: { _ throws(PacketFilterError) in true }, before) {
            $0.removal(of: purpose, ofNetwork: network, sparing: living)
        }
    }

    private func remove(
        _ purpose: OwnerComment.Purpose, where isMeant: (AddressFamily) throws(PacketFilterError) -> Bool,
        _ before: (IPTablesRemoval) throws(PacketFilterError) -> Void, _ decide: (IPTablesState) -> IPTablesRemoval
    ) throws(PacketFilterError) -> [PublishedPort] {
        var removed: [PublishedPort] = []
        var failure: PacketFilterError?
        for family in AddressFamily.allCases {
            do throws(PacketFilterError) {
                guard try isMeant(family) else { continue }
                // The guard of loopback addresses is of IPv4 only. It goes last.
                let tables: [IPTablesTable] = purpose == .portForwarding && family == .ipv4 ? [.nat, .raw] : [.nat]
                try change(family, tables, creating: false) { state throws(PacketFilterError) in
                    let removal = decide(state)
                    try before(removal)
                    // An attempt that got half way took out what the next one no longer finds.
                    for port in removal.published where !removed.contains(port) { removed.append(port) }
                    return removal.changes
                }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return removed
    }
}
