/// The name of a chain, safe to stand in rule text: 1 to 28 letters, digits, `_` and `-`, of ASCII, not starting with
/// `-`, and none of the verdicts, which a jump could not tell from a chain.
public struct ChainName: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// Nil for what is no such name, as ``rule`` says.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard (1...28).contains(bytes.count), bytes.first != UInt8(ascii: "-"),
            bytes.allSatisfy({ $0.isLetterOrDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }),
            !ChainName.verdicts.contains(text)
        else { return nil }
        description = text
    }

    /// A name that stands in this module.
    init(known text: StaticString) {
        description = "\(text)"
    }

    /// `prefix` and as many hexadecimal digits as fit.
    init(prefix: StaticString, digits: String) {
        description = String("\(prefix)\(digits)".prefix(28))
    }

    /// What a name is, in words.
    public static let rule = "1 to 28 letters, digits, '_' or '-', and no verdict"

    private static let verdicts: Set = ["ACCEPT", "DROP", "QUEUE", "RETURN"]
}

extension ChainName {
    static let prerouting = ChainName(known: "PREROUTING")
    static let forward = ChainName(known: "FORWARD")
    static let output = ChainName(known: "OUTPUT")
    static let postrouting = ChainName(known: "POSTROUTING")
}

extension UInt8 {
    /// Of ASCII.
    var isLetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }
}
