/// The packet filter of the kernel by its own interface (nf_tables, `nft`): tables of our own, and nothing in anybody
/// else's.
public struct NFTables: PacketFilterBackend {
    public var name: String { "nftables" }

    public init() {}

    // MARK: Published ports

    public func publish(_ forwarding: PortForwarding) throws(PacketFilterError) {
        let elements = try routed(NFTPorts.elements(for: forwarding), forwarding)
        if elements.isEmpty { return }
        let table = try NFTOwnedTable(NFTPorts.layout)
        try table.add(elements, for: forwarding.owner) { connection, own throws(PacketFilterError) in
            try NFTPortConflicts(connection, own: own).check(elements)
        } finish: { () throws(PacketFilterError) in
            for link in NFTables.loopbackLinks(elements) { try LoopbackRouting.set(link, true) }
        } last: { element throws(PacketFilterError) in
            try NFTables.stopRouting(element)
        }
    }

    /// Leaves out the link's own setting where somebody else has made it: then it is not ours to take back.
    private func routed(_ elements: [NFTElement], _ forwarding: PortForwarding) throws(PacketFilterError) -> [NFTElement] {
        guard let link = forwarding.loopbackLink, try LoopbackRouting.isOn(link) else { return elements }
        let setting = NFTElement(set: NFTPorts.loopbackLinks, key: [.link(link)])
        if try NFTConnection(NFTPorts.layout).use(ofChain: setting.sharedChain) != nil { return elements }
        return elements.filter { $0 != setting }
    }

    public func check(_ forwarding: PortForwarding) throws(PacketFilterError) {
        var elements = NFTPorts.elements(for: forwarding)
        if elements.isEmpty { return }
        if let link = forwarding.loopbackLink {
            guard try LoopbackRouting.isOn(link) else {
                throw PacketFilterError(
                    backend: name, operation: "net/ipv4/conf/\(link)/route_localnet is not 1", cause: .mismatch)
            }
            elements = try routed(elements, forwarding)
        }
        try NFTOwnedTable(NFTPorts.layout).check(elements, of: forwarding.owner)
    }

    public func unpublish(_ owner: RuleOwner) throws(PacketFilterError) -> [PublishedPort] {
        try NFTOwnedTable(NFTPorts.layout).remove(owner, last: NFTables.stopRouting).compactMap(NFTPorts.published)
    }

    public func unpublish(
        network: String, except living: Set<RuleOwner>
    ) throws(PacketFilterError) -> [PublishedPort] {
        try NFTOwnedTable(NFTPorts.layout).collectGarbage(network: network, living: living, last: NFTables.stopRouting)
            .compactMap(NFTPorts.published)
    }

    public func checkPublishing() throws(PacketFilterError) { try NFTOwnedTable(NFTPorts.layout).tryOut() }

    private static func loopbackLinks(_ elements: [NFTElement]) -> [String] {
        elements.compactMap { element in
            if element.set == NFTPorts.loopbackLinks, case .link(let name)? = element.key.first { return name }
            return nil
        }
    }

    private static func stopRouting(_ element: NFTElement) throws(PacketFilterError) {
        for link in loopbackLinks([element]) { try LoopbackRouting.set(link, false) }
    }

    // MARK: Masquerading

    public func masquerade(_ masquerading: Masquerading) throws(PacketFilterError) {
        try NFTOwnedTable(NFTMasquerade.layout)
            .add(NFTMasquerade.elements(for: masquerading), for: masquerading.owner)
    }

    public func check(_ masquerading: Masquerading) throws(PacketFilterError) {
        try NFTOwnedTable(NFTMasquerade.layout)
            .check(NFTMasquerade.elements(for: masquerading), of: masquerading.owner)
    }

    public func stopMasquerading(_ owner: RuleOwner) throws(PacketFilterError) {
        try NFTOwnedTable(NFTMasquerade.layout).remove(owner)
    }

    public func stopMasquerading(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) {
        try NFTOwnedTable(NFTMasquerade.layout).collectGarbage(network: network, living: living)
    }

    public func checkMasquerading() throws(PacketFilterError) { try NFTOwnedTable(NFTMasquerade.layout).tryOut() }
}

extension NFTables: SpoofChecker {
    public func pin(_ pinning: PortPinning) throws(PacketFilterError) {
        try NFTOwnedTable(NFTSpoofCheck.layout).add(NFTSpoofCheck.elements(for: pinning), for: pinning.owner)
    }

    public func check(_ pinning: PortPinning) throws(PacketFilterError) {
        try NFTOwnedTable(NFTSpoofCheck.layout).check(NFTSpoofCheck.elements(for: pinning), of: pinning.owner)
    }

    public func unpin(_ owner: RuleOwner) throws(PacketFilterError) {
        try NFTOwnedTable(NFTSpoofCheck.layout).remove(owner)
    }

    public func unpin(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) {
        try NFTOwnedTable(NFTSpoofCheck.layout).collectGarbage(network: network, living: living)
    }

    public func checkPinning() throws(PacketFilterError) { try NFTOwnedTable(NFTSpoofCheck.layout).tryOut() }
}
