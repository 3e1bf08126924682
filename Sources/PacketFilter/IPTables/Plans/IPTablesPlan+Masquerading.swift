public import NetworkAddress

extension IPTablesPlan {
    /// The rules of masquerading for one family; nil where the container has no address of it.
    ///
    /// Throws where a name of the intent cannot stand in a rule.
    public init?(_ masquerading: Masquerading, _ family: AddressFamily) throws(PacketFilterError) {
        let addresses = masquerading.addresses.filter { $0.family == family }
        if addresses.isEmpty { return nil }
        let own = ChainName.masquerading(of: masquerading.owner.network, masquerading.owner.containerID)
        let comment = try OwnerComment.comment(.masquerading, masquerading.owner)
        var networks: [IPPrefix] = []
        for address in addresses where !networks.contains(address.network) { networks.append(address.network) }
        // Every network of the container before the rule that masquerades all the rest.
        let rules =
            networks.map {
                IPTablesRule(destination: .only($0), matches: [.comment(comment)], target: .accept)
            } + [
                IPTablesRule(destination: .not(.multicast(family)), matches: [.comment(comment)], target: .masquerade)
            ]
        self.init(
            family: family, purpose: .masquerading, sharedChains: [], sharedEntries: [],
            ownChain: Chain(.nat, own, rules: rules),
            ownEntries: addresses.map {
                Entry(
                    .nat, .postrouting,
                    IPTablesRule(
                        source: .only(IPPrefix(only: $0.address)), matches: [.comment(comment)], target: .jump(own)))
            },
            published: [])
    }
}
