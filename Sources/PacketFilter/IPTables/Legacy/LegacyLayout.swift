internal import NetworkAddress

/// Where things are in an entry of a table: struct ipt_entry or struct ip6t_entry.
struct LegacyLayout {
    let family: AddressFamily
    /// The bytes of an address.
    let width: Int
    /// The two names of links with their masks, 16 bytes each.
    let links: Int
    let protocolNumber: Int
    let flags: Int
    let inverseFlags: Int
    /// Where the target starts and where the next entry does, counted from the start of this one.
    let targetOffset: Int
    let nextOffset: Int
    /// Packets and bytes.
    let counters: Int
    /// The matches follow.
    let size: Int

    var source: Int { 0 }
    var destination: Int { width }
    var sourceMask: Int { 2 * width }
    var destinationMask: Int { 3 * width }

    /// The rule is about one protocol, which IPv4 says by the number alone.
    var protocolFlag: UInt8 { family == .ipv4 ? 0 : 0x01 }

    static func of(_ family: AddressFamily) -> LegacyLayout { family == .ipv4 ? four : six }

    private static let four = LegacyLayout(
        family: .ipv4, width: 4, links: 16, protocolNumber: 80, flags: 82, inverseFlags: 83, targetOffset: 88,
        nextOffset: 90, counters: 96, size: 112)
    private static let six = LegacyLayout(
        family: .ipv6, width: 16, links: 64, protocolNumber: 128, flags: 131, inverseFlags: 132, targetOffset: 140,
        nextOffset: 142, counters: 152, size: 168)

    /// Flags that turn a condition round (IPT_INV_VIA_IN and so on).
    enum Inverse {
        static let inputLink: UInt8 = 0x01
        static let outputLink: UInt8 = 0x02
        static let source: UInt8 = 0x08
        static let destination: UInt8 = 0x10
    }
}
