/// An address with the length of its network's prefix: `10.1.0.5/16`. The address may have host bits set.
public struct IPPrefix: Hashable, Sendable {
    public let address: IPAddress
    /// How many leading bits name the network: 0 to 32 or 0 to 128.
    public let length: Int

    /// Nil where the family has no prefix of that length.
    public init?(_ address: IPAddress, length: Int) {
        guard (0...address.family.bitWidth).contains(length) else { return nil }
        self.address = address
        self.length = length
    }

    /// The prefix that holds only `address`.
    public init(only address: IPAddress) {
        self.address = address
        length = address.family.bitWidth
    }

    /// 0.0.0.0/0 or ::/0
    public static func everything(_ family: AddressFamily) -> IPPrefix {
        IPPrefix(unchecked: .unspecified(family), length: 0)
    }

    private init(unchecked address: IPAddress, length: Int) {
        self.address = address
        self.length = length
    }

    public var family: AddressFamily { address.family }

    /// The bits that distinguish hosts, all set.
    private var hostBits: UInt128 {
        let count = family.bitWidth - length
        return count == 128 ? .max : (1 << UInt128(count)) - 1
    }

    /// The same network without host bits: `10.1.0.0/16`.
    public var network: IPPrefix {
        IPPrefix(unchecked: IPAddress(family, number: address.number & ~hostBits), length: length)
    }

    /// The first address, which names the network.
    public var first: IPAddress { network.address }

    /// The last address; for IPv4 networks of more than two addresses it is the broadcast address.
    public var last: IPAddress { IPAddress(family, number: address.number | hostBits) }

    /// Whether no host bit is set.
    public var isNetwork: Bool { address == first }

    public func contains(_ other: IPAddress) -> Bool {
        other.family == family && (first...last).contains(other)
    }

    public func overlaps(_ other: IPPrefix) -> Bool {
        contains(other.first) || other.contains(first)
    }
}

extension IPPrefix: CustomStringConvertible, LosslessStringConvertible {
    /// Reads `10.1.0.5/16`; without a length it is nil.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, (1...3).contains(parts[1].count),
            parts[1].allSatisfy({ (0x30...0x39).contains($0) }),
            parts[1].count == 1 || parts[1].first != 0x30,
            let address = IPAddress(String(Substring(parts[0]))), let length = Int(Substring(parts[1]))
        else { return nil }
        self.init(address, length: length)
    }

    public var description: String { "\(address)/\(length)" }
}
