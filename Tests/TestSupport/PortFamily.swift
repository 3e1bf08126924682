/// IPv4 or IPv6 in a ``PortLab``: who has which address.
public enum PortFamily: String, Sendable, CaseIterable {
    case ipv4, ipv6

    /// The address of the host that `outside` knows.
    public var hostAddress: String { self == .ipv4 ? "192.0.2.1" : "2001:db8::1" }
    /// Another address of the host on the same link.
    public var secondHostAddress: String { self == .ipv4 ? "192.0.2.3" : "2001:db8::3" }
    public var outsideAddress: String { self == .ipv4 ? "192.0.2.2" : "2001:db8::2" }
    public var hostAddressTowardsBeyond: String { self == .ipv4 ? "198.51.100.1" : "2001:db8:1::1" }
    public var beyondAddress: String { self == .ipv4 ? "198.51.100.2" : "2001:db8:1::2" }
    public var loopbackAddress: String { self == .ipv4 ? "127.0.0.1" : "::1" }

    /// `-4` or `-6`, for `ip`.
    public var option: String { self == .ipv4 ? "-4" : "-6" }

    /// An address with the prefix length that links of the lab have.
    func network(_ address: String) -> String { address + (self == .ipv4 ? "/24" : "/64") }

    /// What `ip address add` needs for an address to be usable at once.
    var flags: String { self == .ipv4 ? "" : "nodad" }
}
