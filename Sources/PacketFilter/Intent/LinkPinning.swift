public import NetworkAddress

/// The intent to let a container send with its own hardware address only, and, where wanted, with its own addresses only.
public struct LinkPinning: Equatable, Sendable {
    public var owner: RuleOwner
    /// The port of the bridge that leads to the container.
    public var link: String
    public var mac: MACAddress
    /// The addresses that it may use as source, in ARP and in neighbour advertisements too; nil: any.
    public var addresses: [IPAddress]?

    public init(owner: RuleOwner, link: String, mac: MACAddress, addresses: [IPAddress]? = nil) {
        self.owner = owner
        self.link = link
        self.mac = mac
        self.addresses = addresses
    }
}
