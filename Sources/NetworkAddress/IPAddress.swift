internal import Glibc

/// An IPv4 or IPv6 address, ordered first by family, then by number.
public struct IPAddress: Hashable, Comparable, Sendable {
    public let family: AddressFamily
    /// The address as a number: for IPv4 the low 32 bits.
    public let number: UInt128

    /// The address with this number; bits that the family does not have are dropped.
    public init(_ family: AddressFamily, number: UInt128) {
        self.family = family
        self.number = family == .ipv4 ? number & 0xFFFF_FFFF : number
    }

    /// The address of these bytes in network order: four or sixteen of them, else nil.
    public init?(bytes: [UInt8]) {
        switch bytes.count {
        case 4: family = .ipv4
        case 16: family = .ipv6
        default: return nil
        }
        number = bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    /// The address of these bytes, which are part of a message.
    public init?(bytes: ArraySlice<UInt8>) { self.init(bytes: Array(bytes)) }

    /// The address in network order: four or sixteen bytes.
    public var bytes: [UInt8] {
        stride(from: family.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt128($0)) }
    }

    /// 0.0.0.0 or ::
    public static func unspecified(_ family: AddressFamily) -> IPAddress { IPAddress(family, number: 0) }

    public var isUnspecified: Bool { number == 0 }

    /// 224.0.0.0/4 or ff00::/8
    public var isMulticast: Bool { family == .ipv4 ? number >> 28 == 0xE : number >> 120 == 0xFF }

    /// 255.255.255.255
    public var isBroadcast: Bool { family == .ipv4 && number == 0xFFFF_FFFF }

    /// 127.0.0.0/8 or ::1
    public var isLoopback: Bool { family == .ipv4 ? number >> 24 == 127 : number == 1 }

    /// 169.254.0.0/16 or fe80::/10
    public var isLinkLocal: Bool { family == .ipv4 ? number >> 16 == 0xA9FE : number >> 118 == 0x3FA }

    /// The address that follows, or nil after the last one of the family.
    public var next: IPAddress? {
        let (sum, overflow) = number.addingReportingOverflow(1)
        return overflow || (family == .ipv4 && sum >> 32 != 0) ? nil : IPAddress(family, number: sum)
    }

    /// The address before, or nil before the first one of the family.
    public var previous: IPAddress? { number == 0 ? nil : IPAddress(family, number: number - 1) }

    public static func < (one: IPAddress, other: IPAddress) -> Bool {
        one.family == other.family ? one.number < other.number : one.family < other.family
    }
}

extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
    /// Reads `10.1.0.5` or `fd00::5`. An IPv6 address that holds an IPv4 one (`::ffff:10.1.0.5`) is the IPv4 one, as
    /// it is for the reference.
    public init?(_ text: String) {
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self.init(.ipv4, number: UInt128(UInt32(bigEndian: four.s_addr)))
            return
        }
        var six: UInt128 = 0
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        let number = UInt128(bigEndian: six)
        self = number >> 32 == 0xFFFF ? IPAddress(.ipv4, number: number) : IPAddress(.ipv6, number: number)
    }

    /// The address as RFC 5952 writes it.
    public var description: String {
        if family == .ipv4 {
            return "\(number >> 24 & 255).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
        }
        let words = stride(from: 112, through: 0, by: -16).map { UInt16(truncatingIfNeeded: number >> UInt128($0)) }
        let texts = words.map { String($0, radix: 16) }
        guard let zeros = IPAddress.longestZeros(in: words) else { return texts.joined(separator: ":") }
        return texts[..<zeros.lowerBound].joined(separator: ":") + "::"
            + texts[zeros.upperBound...].joined(separator: ":")
    }

    /// The first of the longest runs of two or more zero words, which `::` stands for.
    private static func longestZeros(in words: [UInt16]) -> Range<Int>? {
        var longest = 0..<1
        var start = 0
        for (index, word) in words.enumerated() {
            if word != 0 { start = index + 1 }
            if index + 1 - start > longest.count { longest = start..<(index + 1) }
        }
        return longest.count > 1 ? longest : nil
    }
}
