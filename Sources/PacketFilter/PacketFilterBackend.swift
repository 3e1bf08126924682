/// One way of telling the kernel which packets to translate and which to let through: nftables, or iptables.
///
/// Everything is found again by its owner alone. What is removed and absent is no error. A command that throws leaves
/// nothing of what it has begun to add, and goes on with what else it has to remove.
public protocol PacketFilterBackend: ContainerFirewall {
    /// Publishes ports of a container.
    ///
    /// - Throws: ``PacketFilterError`` with the cause `conflict` where somebody else has published one of them.
    func publish(_ forwarding: PortForwarding) throws(PacketFilterError)

    /// Checks that everything is as ``publish(_:)`` made it.
    func check(_ forwarding: PortForwarding) throws(PacketFilterError)

    /// Takes back what an owner has published.
    ///
    /// - Returns: what that was.
    func unpublish(_ owner: RuleOwner) throws(PacketFilterError) -> [PublishedPort]

    /// Takes back what owners of a network have published that are not among `living`.
    ///
    /// - Returns: what that was.
    func unpublish(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) -> [PublishedPort]

    /// Finds out whether publishing could work, without changing anything.
    func checkPublishing() throws(PacketFilterError)

    /// Lets a container reach the world by the host's addresses.
    func masquerade(_ masquerading: Masquerading) throws(PacketFilterError)

    /// Checks that everything is as ``masquerade(_:)`` made it.
    func check(_ masquerading: Masquerading) throws(PacketFilterError)

    /// Takes back what ``masquerade(_:)`` made for an owner.
    func stopMasquerading(_ owner: RuleOwner) throws(PacketFilterError)

    /// Takes back what ``masquerade(_:)`` made for owners of a network that are not among `living`.
    func stopMasquerading(network: String, except living: Set<RuleOwner>) throws(PacketFilterError)

    /// Finds out whether masquerading could work, without changing anything.
    func checkMasquerading() throws(PacketFilterError)
}
