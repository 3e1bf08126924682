internal import JSON

/// The extra arguments of CNI_ARGS: `KEY=value;KEY=value`.
///
/// Keys are matched without regard to case. Unknown ones are left to whom they concern: plugins of one chain see the
/// same arguments, and no plugin knows them all.
public struct CNIArguments: Equatable, Sendable, CustomStringConvertible {
    /// One argument, as it was written.
    public struct Pair: Equatable, Sendable {
        public let key: String
        public let value: String

        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }

        public static func == (one: Pair, other: Pair) -> Bool {
            one.key.lowercased() == other.key.lowercased() && one.value == other.value
        }
    }

    /// All arguments, in the order in which they were written.
    public let pairs: [Pair]

    public static let none = CNIArguments(unchecked: [])

    private init(unchecked pairs: [Pair]) {
        self.pairs = pairs
    }

    public init(_ text: String) throws(CNIError) {
        var pairs: [Pair] = []
        for pair in text.split(separator: ";") {
            guard let separator = pair.firstIndex(of: "="), separator != pair.startIndex else {
                throw CNIError(
                    .invalidEnvironment,
                    "CNI_ARGS: expected KEY=value pairs with ';' between them, found \(JSONValue.quoted(String(pair)))")
            }
            pairs.append(Pair(key: String(pair[..<separator]), value: String(pair[pair.index(after: separator)...])))
        }
        self.pairs = pairs
    }

    /// Nil where a pair cannot be written as CNI_ARGS: a key that is empty or holds `=`, a `;` or NUL anywhere.
    public init?(_ pairs: [Pair]) {
        let isWritable = pairs.allSatisfy { pair in
            !pair.key.isEmpty && !pair.key.utf8.contains(UInt8(ascii: "="))
                && !(pair.key + pair.value).utf8.contains { $0 == UInt8(ascii: ";") || $0 == 0 }
        }
        guard isWritable else { return nil }
        self.pairs = pairs
    }

    /// The value of a key; the last one counts, an empty one counts as absent.
    public subscript(key: String) -> String? {
        let key = key.lowercased()
        let value = pairs.last { $0.key.lowercased() == key }?.value
        return value?.isEmpty == true ? nil : value
    }

    /// The arguments as CNI_ARGS holds them.
    public var description: String { pairs.map { "\($0.key)=\($0.value)" }.joined(separator: ";") }
}
