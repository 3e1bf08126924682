/// The comment of a rule: 1 to 255 bytes without control characters.
public struct RuleComment: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// Nil for what cannot be one.
    public init?(_ text: String) {
        guard (1...RuleComment.longest).contains(text.utf8.count),
            !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { return nil }
        description = text
    }

    /// A comment that stands in this module.
    init(known text: StaticString) {
        description = "\(text)"
    }

    /// What is longer is cut, and ends with two dots, as the reference has it.
    init?(cutting text: String) {
        if text.utf8.count <= RuleComment.longest {
            self.init(text)
        } else {
            self.init(String(decoding: text.utf8.prefix(RuleComment.longest - 2), as: UTF8.self) + "..")
        }
    }

    private static let longest = 255

    /// As `iptables-save` writes it: quoted unless it is one plain word.
    var quoted: String {
        let isWord = description.utf8.allSatisfy {
            $0.isLetterOrDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
        if isWord { return description }
        var text: [UInt8] = [UInt8(ascii: "\"")]
        for byte in description.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "'") {
                text.append(UInt8(ascii: "\\"))
            }
            text.append(byte)
        }
        text.append(UInt8(ascii: "\""))
        return String(decoding: text, as: UTF8.self)
    }
}
