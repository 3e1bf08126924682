/// A document that cannot be read, or a value that is not what its reader expects.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The key at fault; empty for the document itself.
    public let path: JSONPath
    /// What should stand there, such as `an IPv4 or IPv6 address`.
    public let expected: String
    /// What stands there, such as `the string "abc"`; nothing when the key is absent.
    public let found: String?

    public init(path: JSONPath, expected: String, found: String?) {
        self.path = path
        self.expected = expected
        self.found = found
    }

    public var description: String {
        let place = path.description.isEmpty ? "" : "\(path): "
        return "\(place)expected \(expected), found \(found ?? "nothing")"
    }
}
