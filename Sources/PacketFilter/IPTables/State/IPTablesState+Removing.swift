public import NetworkAddress

/// What takes rules out, and what they said.
public struct IPTablesRemoval: Equatable, Sendable {
    /// Empty where there was nothing.
    public let changes: [IPTablesChange]
    /// What was published until then.
    public let published: [PublishedPort]
    /// The addresses of containers to which something is published still.
    public let remaining: Set<IPAddress>
}

extension IPTablesState {
    /// Takes out what there is of one container, by the names alone: what the reference's plugins made has the same.
    public func removal(of purpose: OwnerComment.Purpose, _ network: String, _ containerID: String) -> IPTablesRemoval {
        removal(of: [ChainName.own(purpose, network, containerID)])
    }

    /// Takes out what there is for one purpose of containers of a network that are not among the `living`.
    public func removal(
        of purpose: OwnerComment.Purpose, ofNetwork network: String, sparing living: Set<String>
    ) -> IPTablesRemoval {
        let spared = Set(living.map { ChainName.own(purpose, network, $0) })
        var dead: Set<ChainName> = []
        for (name, rules) in tables[.nat] ?? [:] {
            for rule in rules.compactMap(\.rule) {
                guard let owner = rule.comment.flatMap({ OwnerComment($0) }), owner.network == network,
                    owner.purpose == purpose,
                    // A comment is text that anybody may write; the name of the chain proves it.
                    let chain = rule.jumpDestination ?? ChainName(name), owner.mayOwn(chain), !spared.contains(chain)
                else { continue }
                dead.insert(chain)
            }
        }
        return removal(of: dead.sorted { $0.description < $1.description })
    }

    private func removal(of chains: [ChainName]) -> IPTablesRemoval {
        var edit = IPTablesEdit(self)
        for chain in chains { edit.deleteOwnChain(.nat, chain) }
        if !edit.changes.isEmpty && chains.contains(where: \.isOfHostPorts) { edit.deleteUnusedSharedChains() }
        edit.deleteUnusedGuard()
        return IPTablesRemoval(
            changes: edit.changes, published: chains.flatMap { publishedPorts($0) },
            remaining: edit.state.publishedContainers)
    }

    /// Takes the guard of loopback addresses out where nobody needs it.
    var removalOfUnusedGuard: IPTablesRemoval { removal(of: []) }
}

extension IPTablesEdit {
    /// Takes out the chains that containers share where no container is left that does. A rule of somebody else in
    /// one, or one that leads there, keeps it.
    fileprivate mutating func deleteUnusedSharedChains() {
        guard state.chains(.nat, startingWith: ChainName.hostPortsPrefix).isEmpty else { return }
        deleteSharedChain(.nat, .hostPorts, entries: IPTablesPlan.hostPortsEntries) { _ in false }
        deleteSharedChain(.nat, .setMark) { if case .setMark = $0.target { true } else { false } }
        // Whoever still marks packets wants them masqueraded.
        if state.contains(.nat, .setMark) { return }
        deleteSharedChain(.nat, .masqueradeMarked, entries: [IPTablesPlan.masqueradeEntry]) { $0.target == .masquerade }
    }

    /// The guard is needed as long as packets of some container are marked that come from the host itself.
    fileprivate mutating func deleteUnusedGuard() {
        let isNeeded = state.chains(.nat, startingWith: ChainName.hostPortsPrefix).contains { chain in
            (state.rules(.nat, chain) ?? []).contains { $0.destination != nil }
        }
        if isNeeded { return }
        deleteSharedChain(.raw, .loopbackGuard, entries: [IPTablesPlan.loopbackGuardEntry]) { $0.target == .drop }
    }
}

extension OwnerComment {
    /// Whether the chain has the name that a container of this comment gives to its chain.
    fileprivate func mayOwn(_ chain: ChainName) -> Bool {
        if let containerID { return chain == ChainName.own(purpose, network, containerID) }
        return switch purpose {
        case .portForwarding: chain.isOfHostPorts
        case .masquerading: chain.isOfMasquerading
        }
    }
}
