internal import NetworkAddress

extension IPTablesState {
    /// The steps that bring a plan into the tables; what the reference's plugins made already is used.
    ///
    /// What the same container has published on this network is replaced. Throws
    /// ``PacketFilterError/Cause-swift.enum/conflict(owner:mapping:)`` where somebody else has published a port.
    public func changes(applying plan: IPTablesPlan) throws(PacketFilterError) -> [IPTablesChange] {
        try refuseConflicts(with: plan)
        var edit = IPTablesEdit(self)
        if plan.purpose == .portForwarding { edit.deleteOwnChain(.nat, plan.ownChain.name) }
        for chain in plan.sharedChains { edit.complete(chain) }
        for entry in plan.sharedEntries { edit.complete(entry) }
        let exists = edit.state.contains(.nat, plan.ownChain.name)
        if !exists { edit.make(.makeChain(.nat, plan.ownChain.name)) }
        for rule in plan.ownChain.rules where !exists || !contains(.nat, plan.ownChain.name, rule) {
            // A second attachment of the container to the network shares its chain of masquerading: what is to stay
            // as it is comes before the rule that masquerades the rest.
            edit.make(
                exists && rule.target == .accept
                    ? .prepend(.nat, plan.ownChain.name, rule) : .append(.nat, plan.ownChain.name, rule))
        }
        for entry in plan.ownEntries { edit.complete(entry) }
        // The chain of somebody else who is to mark packets has to be there.
        for chain in plan.ownChain.rules.compactMap(\.jumpDestination) where !edit.state.contains(.nat, chain) {
            throw PacketFilterError(
                backend: .iptables, operation: "there is no chain \(chain) in table nat of \(plan.family)",
                cause: .mismatch)
        }
        return edit.changes
    }

    /// All containers to which something is published.
    var publishedContainers: Set<IPAddress> {
        let chains = chains(.nat, startingWith: ChainName.hostPortsPrefix)
        return Set(chains.flatMap { publishedPorts($0) }.map(\.container))
    }

    /// What a chain publishes.
    func publishedPorts(_ chain: ChainName) -> [PublishedPort] {
        (rules(.nat, chain) ?? []).compactMap { $0.rule.flatMap { PublishedPort($0) } }
    }

    /// Throws where somebody else has published one of the ports.
    func refuseConflicts(with plan: IPTablesPlan) throws(PacketFilterError) {
        guard plan.purpose == .portForwarding else { return }
        let entries = (rules(.nat, .hostPorts) ?? []).compactMap(\.rule)
        let own = IPTablesState.owner(of: plan.ownEntries.map(\.rule))
        let waysTo = Dictionary(grouping: entries) { $0.jumpDestination }
        for chain in chains(.nat, startingWith: ChainName.hostPortsPrefix) where chain != plan.ownChain.name {
            // A chain that nothing leads to publishes nothing.
            guard let ways = waysTo[chain] else { continue }
            let owner = IPTablesState.owner(of: ways)
            // A container on several networks publishes the same ports on each: the first rule is as good as the next.
            if let owner, owner.containerID != nil, owner.containerID == own?.containerID { continue }
            let taken = publishedPorts(chain).map(\.mapping)
            guard let port = plan.published.first(where: { mapping in taken.contains { $0.overlaps(mapping) } }) else {
                continue
            }
            throw PacketFilterError(
                backend: .iptables, operation: "publish port \(port.hostPorts.lowerBound)/\(port.transport)",
                cause: .conflict(owner: owner?.description ?? "chain \(chain)", mapping: port))
        }
    }

    private static func owner(of entries: [IPTablesRule]) -> OwnerComment? {
        entries.lazy.compactMap(\.comment).compactMap { OwnerComment($0) }.first
    }
}
