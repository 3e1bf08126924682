/// The name of a link in a rule; a `+` at its end stands for any further bytes.
///
/// Only names that need no quoting: letters, digits, `_`, `.`, `:`, `@` and `-`, of ASCII, not starting with `-`.
public struct LinkPattern: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// Nil for what is no such name.
    public init?(_ text: String) {
        let bytes = text.utf8
        let name = bytes.last == UInt8(ascii: "+") ? bytes.dropLast() : bytes[...]
        guard (1...15).contains(bytes.count), !name.isEmpty, bytes.first != UInt8(ascii: "-"),
            name.allSatisfy({ $0.isLetterOrDigit || LinkPattern.marks.contains($0) })
        else { return nil }
        description = text
    }

    private static let marks = Array("_.:@-".utf8)

    private init(known text: StaticString) {
        description = "\(text)"
    }

    /// `lo`
    static let loopback = LinkPattern(known: "lo")

    var isPrefix: Bool { description.utf8.last == UInt8(ascii: "+") }
}
