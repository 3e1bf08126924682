/// The members of a JSON object, in the order in which they were written.
///
/// Keys are matched without regard to the case of ASCII letters, because runtimes send `HostPort` where the
/// convention says `hostPort`. Where several keys match, the last one counts.
public struct JSONObject: Equatable, Sendable {
    /// One key with its value.
    public struct Member: Equatable, Sendable {
        public let key: String
        public var value: JSONValue

        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// All members, in order.
    public private(set) var members: [Member]

    public init(_ members: [Member] = []) {
        self.members = members
    }

    /// The value of `key`, whatever the case of its letters; nil when there is none.
    ///
    /// Setting replaces the member that reading would find, in its place, or appends a new one; setting nil
    /// removes every member that matches.
    public subscript(key: String) -> JSONValue? {
        get { members.last { JSONObject.matches($0.key, key) }?.value }
        set {
            guard let newValue else {
                members.removeAll { JSONObject.matches($0.key, key) }
                return
            }
            if let index = members.lastIndex(where: { JSONObject.matches($0.key, key) }) {
                members[index].value = newValue
            } else {
                members.append(Member(key: key, value: newValue))
            }
        }
    }

    /// Appends a member without looking for another one of the same key: for keys known to be new.
    public mutating func append(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
    }

    /// The members whose keys match none of `keys`.
    public func without(_ keys: [String]) -> JSONObject {
        JSONObject(members.filter { member in !keys.contains { JSONObject.matches(member.key, $0) } })
    }

    /// Whether two keys are the same when the case of ASCII letters is ignored.
    static func matches(_ one: String, _ other: String) -> Bool {
        let (one, other) = (one.utf8, other.utf8)
        return one.count == other.count && zip(one, other).allSatisfy { lowered($0) == lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements.map { Member(key: $0.0, value: $0.1) })
    }
}
