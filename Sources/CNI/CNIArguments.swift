/// The extra arguments of CNI_ARGS: `KEY=value;KEY=value`.
///
/// Keys are matched without regard to case. Unknown ones are left to whom they concern: plugins of one chain see the
/// same arguments, and no plugin knows them all.
public struct CNIArguments: Equatable, Sendable {
    private let pairs: [(key: String, value: String)]

    public static let none = CNIArguments(pairs: [])

    private init(pairs: [(key: String, value: String)]) {
        self.pairs = pairs
    }

    public init(_ text: String) throws(CNIError) {
        var pairs: [(String, String)] = []
        for pair in text.split(separator: ";") {
            guard let separator = pair.firstIndex(of: "="), separator != pair.startIndex else {
                throw CNIError(.invalidEnvironment, "CNI_ARGS: expected KEY=value pairs with ';' between them, found \"\(pair)\"")
            }
            pairs.append((pair[..<separator].lowercased(), String(pair[pair.index(after: separator)...])))
        }
        self.pairs = pairs
    }

    /// The value of a key; the last one counts, an empty one counts as absent.
    public subscript(key: String) -> String? {
        let value = pairs.last { $0.key == key.lowercased() }?.value
        return value?.isEmpty == true ? nil : value
    }

    public static func == (one: CNIArguments, other: CNIArguments) -> Bool {
        one.pairs.elementsEqual(other.pairs) { $0 == $1 }
    }
}
