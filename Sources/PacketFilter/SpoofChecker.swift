/// Keeps containers from using the addresses of others, at the port of the bridge that they send through.
public protocol SpoofChecker {
    /// Lets a container send with its own hardware address only, and where the intent says so, with its own addresses only.
    func pin(_ pinning: LinkPinning) throws(PacketFilterError)

    /// Checks that everything is as ``pin(_:)`` made it.
    func check(_ pinning: LinkPinning) throws(PacketFilterError)

    /// Takes back what ``pin(_:)`` made for an owner.
    func unpin(_ owner: RuleOwner) throws(PacketFilterError)

    /// Takes back what ``pin(_:)`` made for owners of a network that are not among `living`.
    func unpin(network: String, except living: Set<RuleOwner>) throws(PacketFilterError)

    /// Finds out whether ``pin(_:)`` could work, without changing anything.
    func checkPinning() throws(PacketFilterError)
}
