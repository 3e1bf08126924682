/// The two families of internet addresses.
public enum AddressFamily: UInt8, Sendable, CaseIterable, Comparable {
    case ipv4 = 4
    case ipv6 = 6

    /// The number of bits of an address.
    public var bitWidth: Int { self == .ipv4 ? 32 : 128 }

    public static func < (one: AddressFamily, other: AddressFamily) -> Bool { one.rawValue < other.rawValue }
}

extension AddressFamily: CustomStringConvertible {
    /// `ipv4` or `ipv6`
    public var description: String { self == .ipv4 ? "ipv4" : "ipv6" }
}
