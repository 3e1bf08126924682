public import NetworkAddress

/// The intent to let containers reach the world by the host's addresses: what they send out of their network carries the
/// host's address as source.
public struct Masquerading: Equatable, Sendable {
    public var owner: RuleOwner
    /// The container's addresses with the prefix lengths of their networks.
    public var addresses: [IPPrefix]
    /// The link of the host by which the container's own network is reached: what leaves by it stays as it is.
    public var link: String

    public init(owner: RuleOwner, addresses: [IPPrefix], link: String) {
        self.owner = owner
        self.addresses = addresses
        self.link = link
    }
}
