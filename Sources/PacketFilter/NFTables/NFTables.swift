public import NetworkAddress

/// The packet filter of the kernel by its own interface (nf_tables, `nft`): tables of our own, and nothing in anybody
/// else's.
public struct NFTables: PacketFilterBackend {
    public var name: String { "nftables" }

    private let connection: PacketFilterConnection

    /// - Parameter connection: what the kernel is asked by; one of its own if none is given.
    public init(by connection: PacketFilterConnection = PacketFilterConnection()) {
        self.connection = connection
    }

    // MARK: Published ports

    public func publish(_ forwarding: PortForwarding) throws(PacketFilterError) {
        if let mapping = forwarding.mappings.first(where: { $0.hostPorts.count > 1 }), !forwarding.conditions.isEmpty {
            throw PacketFilterError(
                backend: name, operation: "publish \(mapping) under conditions", cause: .unsupported,
                message: "conditions go with single ports only")
        }
        let holding = NFTPorts.holding(for: forwarding)
        if holding.elements.isEmpty { return }
        let table = try table(NFTPorts.layout)
        try table.add(holding) { before throws(PacketFilterError) in
            try IPTables(by: connection).refuseConflicts(with: forwarding)
            if before == nil { return [] }
            return try NFTPortConflicts(table.connection, forwarding.owner).resolve(holding.elements)
        } finish: { () throws(PacketFilterError) in
            if let link = forwarding.loopbackLink { try LoopbackRouting.set(link, true) }
        } last: { element throws(PacketFilterError) in
            try stopRouting(element)
        }
    }

    /// Throws where somebody else has published one of the ports by this backend.
    func refuseConflicts(with forwarding: PortForwarding) throws(PacketFilterError) {
        guard let table = try existingTable(NFTPorts.layout), try table.connection.tableUse() != nil else { return }
        _ = try NFTPortConflicts(table.connection, forwarding.owner)
            .resolve(NFTPorts.holding(for: forwarding).elements)
    }

    /// Whether a container on that link has published a port that 127.0.0.1 leads to.
    func needsLoopback(_ link: String) throws(PacketFilterError) -> Bool {
        let setting = NFTElement(set: NFTPorts.loopbackLinks, key: [.link(link)])
        return try existingTable(NFTPorts.layout)?.connection.use(ofChain: setting.sharedChain) != nil
    }

    private func table(_ layout: NFTLayout) throws(PacketFilterError) -> NFTOwnedTable {
        try NFTOwnedTable(layout, by: connection)
    }

    /// A table to take something out of; nil where the kernel knows no such thing.
    func existingTable(_ layout: NFTLayout) throws(PacketFilterError) -> NFTOwnedTable? {
        do throws(PacketFilterError) { return try table(layout) } catch {
            if error.cause == .unsupported { return nil }
            throw error
        }
    }

    public func check(_ forwarding: PortForwarding) throws(PacketFilterError) {
        let holding = NFTPorts.holding(for: forwarding)
        if holding.elements.isEmpty { return }
        if let link = forwarding.loopbackLink, try !LoopbackRouting.isOn(link) {
            throw PacketFilterError(
                backend: name, operation: "net/ipv4/conf/\(link)/route_localnet is not 1", cause: .mismatch)
        }
        try table(NFTPorts.layout).check(holding)
    }

    public func unpublish(_ owner: RuleOwner) throws(PacketFilterError) -> [PublishedPort] {
        try existingTable(NFTPorts.layout)?.remove(owner, last: stopRouting)
            .compactMap(NFTPorts.published(by:)) ?? []
    }

    public func unpublish(
        network: String, except living: Set<RuleOwner>
    ) throws(PacketFilterError) -> [PublishedPort] {
        try existingTable(NFTPorts.layout)?
            .collectGarbage(network: network, living: living, last: stopRouting)
            .compactMap(NFTPorts.published(by:)) ?? []
    }

    public func checkPublishing() throws(PacketFilterError) { try table(NFTPorts.layout).tryOut() }

    private func stopRouting(_ element: NFTElement) throws(PacketFilterError) {
        guard element.set == NFTPorts.loopbackLinks, case .link(let name)? = element.key.first else { return }
        if try !IPTables(by: connection).needsLoopback(name) { try LoopbackRouting.set(name, false) }
    }

    // MARK: Masquerading

    public func masquerade(_ masquerading: Masquerading) throws(PacketFilterError) {
        try table(NFTMasquerade.layout).add(NFTMasquerade.holding(for: masquerading))
    }

    public func check(_ masquerading: Masquerading) throws(PacketFilterError) {
        try table(NFTMasquerade.layout).check(NFTMasquerade.holding(for: masquerading))
    }

    public func stopMasquerading(_ owner: RuleOwner) throws(PacketFilterError) {
        _ = try existingTable(NFTMasquerade.layout)?.remove(owner)
    }

    public func stopMasquerading(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) {
        _ = try existingTable(NFTMasquerade.layout)?.collectGarbage(network: network, living: living)
    }

    public func checkMasquerading() throws(PacketFilterError) { try table(NFTMasquerade.layout).tryOut() }

    // MARK: Firewall

    public func admit(_ admission: ContainerAdmission) throws(PacketFilterError) {
        let holding = NFTFirewall.holding(for: admission)
        if holding.elements.isEmpty { return }
        let table = try table(NFTFirewall.layout)
        try table.add(holding) { before throws(PacketFilterError) in
            if let before { try table.refuseOtherPolicies(beside: admission, before) }
            return []
        }
    }

    public func check(_ admission: ContainerAdmission) throws(PacketFilterError) {
        let holding = NFTFirewall.holding(for: admission)
        if holding.elements.isEmpty { return }
        try table(NFTFirewall.layout).check(holding)
    }

    /// Addresses tell nothing that the table does not know: nobody else writes into it.
    public func stopAdmitting(_ owner: RuleOwner, addresses: [IPAddress]) throws(PacketFilterError) {
        _ = try existingTable(NFTFirewall.layout)?.remove(owner)
    }

    public func stopAdmitting(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) {
        _ = try existingTable(NFTFirewall.layout)?.collectGarbage(network: network, living: living)
    }

    public func checkAdmitting() throws(PacketFilterError) { try table(NFTFirewall.layout).tryOut() }
}

extension NFTables: SpoofChecker {
    public func pin(_ pinning: LinkPinning) throws(PacketFilterError) {
        try table(NFTSpoofCheck.layout).add(NFTSpoofCheck.holding(for: pinning))
    }

    public func check(_ pinning: LinkPinning) throws(PacketFilterError) {
        try table(NFTSpoofCheck.layout).check(NFTSpoofCheck.holding(for: pinning))
    }

    public func unpin(_ owner: RuleOwner) throws(PacketFilterError) {
        _ = try existingTable(NFTSpoofCheck.layout)?.remove(owner)
    }

    public func unpin(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) {
        _ = try existingTable(NFTSpoofCheck.layout)?.collectGarbage(network: network, living: living)
    }

    public func checkPinning() throws(PacketFilterError) { try table(NFTSpoofCheck.layout).tryOut() }
}
