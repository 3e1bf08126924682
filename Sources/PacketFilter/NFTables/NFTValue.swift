internal import CNetfilter
internal import NetworkAddress

/// What a field of a key or of a value in a set is; nft's data types.
enum NFTType: UInt32, Hashable, Sendable {
    // nft's own numbers (datatype.h): the kernel keeps them for `nft list`.
    case ipv4Address = 7
    case ipv6Address = 8
    case etherAddress = 9
    case inetProtocol = 12
    case inetService = 13
    case interfaceName = 41
    /// Where to go on: the value of a map that chooses chains.
    case verdict = 0xFFFF_FF00

    static func address(_ family: AddressFamily) -> NFTType { family == .ipv4 ? .ipv4Address : .ipv6Address }

    /// In bytes, as the kernel lays it out in a key: each field starts at a multiple of four.
    var paddedLength: Int { (length + 3) & ~3 }

    /// In bytes.
    var length: Int {
        switch self {
        case .ipv4Address: 4
        case .ipv6Address: 16
        case .etherAddress: 6
        case .inetProtocol: 1
        case .inetService: 2
        case .interfaceName: Int(IFNAMSIZ)
        case .verdict: 0
        }
    }

    /// The number of a list of types, as nft writes a concatenation.
    static func number(of types: [NFTType]) -> UInt32 { types.reduce(0) { $0 << 6 | $1.rawValue } }
}

/// One field of a key or of a value in a set.
enum NFTValue: Hashable, Sendable {
    case address(IPAddress)
    /// Every address of a family; only in sets with intervals.
    case everyAddress(AddressFamily)
    case mac(MACAddress)
    case transport(TransportProtocol)
    case port(UInt16)
    /// Only in sets with intervals.
    case ports(ClosedRange<UInt16>)
    case link(String)
    /// A chain to go to.
    case chain(String)

    /// The value, or the first one of an interval, in the kernel's layout.
    var bytes: [UInt8] { padded(ends.first) }

    /// The last value of an interval; for a single one the same as ``bytes``.
    var lastBytes: [UInt8] { padded(ends.last) }

    private func padded(_ bytes: [UInt8]) -> [UInt8] {
        var padded = bytes
        while padded.count & 3 != 0 { padded.append(0) }
        return padded
    }

    private var ends: (first: [UInt8], last: [UInt8]) {
        switch self {
        case .address(let address): same(address.bytes)
        case .everyAddress(let family):
            (IPAddress.unspecified(family).bytes, IPPrefix.everything(family).last.bytes)
        case .mac(let mac): same(mac.bytes)
        case .transport(let transport): same([transport.rawValue])
        case .port(let port): same(NFTValue.bytes(port))
        case .ports(let ports): (NFTValue.bytes(ports.lowerBound), NFTValue.bytes(ports.upperBound))
        case .link(let name): same(NFTValue.bytes(link: name))
        case .chain: same([])
        }
    }

    private func same(_ bytes: [UInt8]) -> (first: [UInt8], last: [UInt8]) { (bytes, bytes) }

    private static func bytes(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 0xFF)] }

    /// A name as long as names can be, with zeros behind it. Names are checked where they come in.
    private static func bytes(link name: String) -> [UInt8] {
        let bytes = Array(name.utf8.prefix(Int(IFNAMSIZ) - 1))
        return bytes + [UInt8](repeating: 0, count: Int(IFNAMSIZ) - bytes.count)
    }
}

extension NFTValue: CustomStringConvertible {
    /// As nft prints it, but for every address, which is `*`.
    var description: String {
        switch self {
        case .address(let address): "\(address)"
        case .everyAddress: "*"
        case .mac(let mac): "\(mac)"
        case .transport(let transport): "\(transport)"
        case .port(let port): "\(port)"
        case .ports(let ports): "\(ports.lowerBound)-\(ports.upperBound)"
        case .link(let name), .chain(let name): name
        }
    }

    /// Reads what ``description`` prints.
    init?(_ text: String, _ type: NFTType) {
        switch type {
        case .ipv4Address, .ipv6Address:
            let family: AddressFamily = type == .ipv4Address ? .ipv4 : .ipv6
            if text == "*" {
                self = .everyAddress(family)
            } else {
                guard let address = IPAddress(text), address.family == family else { return nil }
                self = .address(address)
            }
        case .etherAddress:
            guard let mac = MACAddress(text) else { return nil }
            self = .mac(mac)
        case .inetProtocol:
            guard let transport = TransportProtocol(name: text) else { return nil }
            self = .transport(transport)
        case .inetService:
            let ports = text.utf8.split(separator: UInt8(ascii: "-")).compactMap { UInt16(Substring($0)) }
            guard let first = ports.first, let last = ports.last, ports.count <= 2, first <= last else { return nil }
            self = ports.count == 1 ? .port(first) : .ports(first...last)
        case .interfaceName: self = .link(text)
        case .verdict: self = .chain(text)
        }
    }
}

extension NFTValue {
    /// Reads a field of a key as the kernel has it; `last` is the end of an interval.
    init?(bytes: [UInt8], last: [UInt8]?, _ type: NFTType) {
        switch type {
        case .ipv4Address, .ipv6Address:
            guard let address = IPAddress(bytes: bytes) else { return nil }
            let isInterval = last != nil && last != bytes
            self = isInterval ? .everyAddress(address.family) : .address(address)
        case .etherAddress:
            guard let mac = MACAddress(bytes: bytes) else { return nil }
            self = .mac(mac)
        case .inetProtocol:
            guard let transport = bytes.first.flatMap(TransportProtocol.init(rawValue:)) else { return nil }
            self = .transport(transport)
        case .inetService:
            guard bytes.count == 2 else { return nil }
            let first = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
            let end = last.map { $0.count == 2 ? UInt16($0[0]) << 8 | UInt16($0[1]) : first } ?? first
            self = end > first ? .ports(first...end) : .port(first)
        case .interfaceName: self = .link(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
        case .verdict: return nil
        }
    }
}
