internal import CNI
internal import JSON
internal import NetworkAddress

/// What containers are called. Names reach lines of hosts files, so they are checked byte by byte.
public enum ContainerNames {
    /// The longest name, in bytes: a label of the domain name system.
    static let longest = 63

    /// A name for a container, an alias or a link: `localhost` and addresses would mislead whoever looks them up.
    public static func isName(_ text: String) -> Bool {
        Names.isIdentifier(text) && text.utf8.count <= longest && IPAddress(text) == nil
            && text.lowercased() != "localhost"
    }

    /// What ``isName(_:)`` wants, in words.
    public static let rule =
        "\(Names.identifierRule), \(longest) characters at most, and neither an address nor \"localhost\""

    /// - Parameter option: who asks for the name, such as `--alias`.
    public static func checked(_ text: String, _ option: String) throws(ContainerRefusal) -> String {
        guard isName(text) else {
            throw ContainerRefusal("\(option): \(JSONValue.quoted(text)) is no name: use \(rule)")
        }
        return text
    }

    /// A new id: 64 hexadecimal digits.
    public static func newIdentifier(_ generator: inout some RandomNumberGenerator) -> String {
        (0..<4).map { _ in
            let digits = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// How an id is shown: its first 12 digits.
    public static func short(_ identifier: String) -> String { String(identifier.prefix(12)) }

    /// The one container that is meant by its name, its id or the beginning of its id.
    public static func find(_ text: String, in records: [ContainerRecord]) throws(ContainerRefusal) -> ContainerRecord {
        if let named = records.first(where: { $0.name == text }) { return named }
        let matching = text.isEmpty ? [] : records.filter { $0.id.hasPrefix(text) }
        if matching.count > 1, !matching.contains(where: { $0.id == text }) {
            let ids = matching.map { short($0.id) }.joined(separator: ", ")
            throw ContainerRefusal("\(JSONValue.quoted(text)) may be any of \(ids): give more digits, or the name")
        }
        guard let found = matching.first(where: { $0.id == text }) ?? matching.first else {
            throw ContainerRefusal(
                "no container \(JSONValue.quoted(text)) is running: \"cnitool ps\" shows those that are")
        }
        return found
    }
}
