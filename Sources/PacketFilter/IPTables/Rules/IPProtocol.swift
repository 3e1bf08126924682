/// A protocol on top of IP, by its number in the header (IPPROTO_TCP and so on).
public struct IPProtocol: Hashable, Sendable, CustomStringConvertible {
    public let number: UInt8

    /// 0 would be every protocol, which a rule says by having none.
    public init?(number: UInt8) {
        if number == 0 { return nil }
        self.number = number
    }

    /// One of those that have ports.
    public init(_ transport: TransportProtocol) {
        number = transport.rawValue
    }

    /// It as one of those that have ports.
    public var transport: TransportProtocol? { TransportProtocol(rawValue: number) }

    /// A name that every iptables knows without `/etc/protocols`, else the number.
    public var description: String {
        switch number {
        case 1: "icmp"
        case 58: "ipv6-icmp"
        default: transport?.description ?? String(number)
        }
    }
}
