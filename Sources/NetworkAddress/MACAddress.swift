/// A 48-bit hardware address, written `02:00:5e:10:00:01`.
public struct MACAddress: Hashable, Sendable {
    /// Six bytes.
    public let bytes: [UInt8]

    /// Nil unless there are six bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 6 else { return nil }
        self.bytes = bytes
    }

    /// Whether a link may have it: neither multicast (lowest bit of the first byte) nor all zeros.
    public var isUsable: Bool { bytes[0] & 1 == 0 && bytes.contains { $0 != 0 } }
}

extension MACAddress: CustomStringConvertible, LosslessStringConvertible {
    /// Reads six pairs of hexadecimal digits with `:` or `-` between them.
    public init?(_ text: String) {
        let utf8 = Array(text.utf8)
        guard utf8.count == 17, utf8[2] == UInt8(ascii: ":") || utf8[2] == UInt8(ascii: "-") else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: 17, by: 3) {
            guard start == 0 || utf8[start - 1] == utf8[2],
                let high = MACAddress.digit(utf8[start]), let low = MACAddress.digit(utf8[start + 1])
            else { return nil }
            bytes.append(high << 4 | low)
        }
        self.init(bytes: bytes)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    public var description: String {
        var text = ""
        for byte in bytes {
            if !text.isEmpty { text += ":" }
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return text
    }
}
