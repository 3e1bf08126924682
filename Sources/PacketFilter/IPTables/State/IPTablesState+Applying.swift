extension IPTablesState {
    /// The steps that bring a plan into the tables; what the reference's plugins made already is used.
    ///
    /// Throws ``PacketFilterError/Cause-swift.enum/conflict(owner:)`` where a port is published already, be it by the
    /// same container.
    public func changes(applying plan: IPTablesPlan) throws(PacketFilterError) -> [IPTablesChange] {
        try refuseConflicts(with: plan)
        var edit = IPTablesEdit(self)
        for chain in plan.sharedChains { edit.complete(chain) }
        for entry in plan.sharedEntries { edit.complete(entry) }
        if !edit.state.contains(.nat, plan.ownChain.name) { edit.make(.makeChain(.nat, plan.ownChain.name)) }
        let exists = contains(.nat, plan.ownChain.name)
        for rule in plan.ownChain.rules where !exists || !contains(.nat, plan.ownChain.name, rule) {
            // A second attachment of the container to the network shares its chain of masquerading: what is to stay
            // as it is comes before the rule that masquerades the rest.
            edit.make(
                exists && rule.target == .accept
                    ? .prepend(.nat, plan.ownChain.name, rule) : .append(.nat, plan.ownChain.name, rule))
        }
        for entry in plan.ownEntries { edit.complete(entry) }
        return edit.changes
    }

    /// What a chain publishes.
    func publishedPorts(_ chain: ChainName) -> [PublishedPort] {
        (rules(.nat, chain) ?? []).compactMap { $0.rule.flatMap { PublishedPort($0) } }
    }

    private func refuseConflicts(with plan: IPTablesPlan) throws(PacketFilterError) {
        guard plan.purpose == .portForwarding else { return }
        let entries = (rules(.nat, .hostPorts) ?? []).compactMap(\.rule)
        for chain in chains(.nat, startingWith: ChainName.hostPortsPrefix) {
            let ways = entries.filter { $0.jumpDestination == chain }
            // A chain that nothing leads to publishes nothing, but is in the way where it is the container's own.
            if ways.isEmpty && chain != plan.ownChain.name { continue }
            let taken = publishedPorts(chain).map(\.mapping)
            let wanted = plan.published.first { mapping in taken.contains { $0.overlaps(mapping) } }
            guard let port = chain == plan.ownChain.name ? wanted ?? plan.published.first : wanted else { continue }
            let owner = (ways.isEmpty ? plan.ownEntries.map(\.rule) : ways).lazy
                .compactMap(\.comment).compactMap { OwnerComment($0) }.first
            throw PacketFilterError(
                backend: .iptables, operation: "publish port \(port.hostPorts.lowerBound)/\(port.transport)",
                cause: .conflict(owner: owner?.description ?? "chain \(chain)"))
        }
    }
}
