/// A place in a document: a path and, unless the key is absent or null, the value there.
///
/// A reader asks for what it expects; what is absent comes back as nil, and what is something else throws a
/// ``JSONError`` that names the path:
///
///     let mtu = try document["mtu"].integer(in: 0...65535) ?? 1500
///     for range in try document["ipam"]["ranges"].elements() { … }
public struct JSONField: Sendable {
    public let path: JSONPath
    public let value: JSONValue?

    public init(_ value: JSONValue?, path: JSONPath = JSONPath()) {
        self.path = path
        self.value = value == .null ? nil : value
    }

    /// The member `key` of the object here; absent when there is no object.
    public subscript(key: String) -> JSONField {
        get throws(JSONError) { JSONField(try object()?[key], path: path.appending(key: key)) }
    }

    public var isAbsent: Bool { value == nil }

    /// The object here.
    public func object() throws(JSONError) -> JSONObject? {
        guard let value else { return nil }
        guard case .object(let object) = value else { throw error(expected: "an object") }
        return object
    }

    /// The elements of the array here; none when it is absent.
    public func elements() throws(JSONError) -> [JSONField] {
        guard let value else { return [] }
        guard case .array(let elements) = value else { throw error(expected: "an array") }
        return elements.enumerated().map { JSONField($1, path: path.appending(index: $0)) }
    }

    /// The members of the object here, each with its path; none when it is absent.
    public func members() throws(JSONError) -> [(key: String, field: JSONField)] {
        (try object()?.members ?? []).map { ($0.key, JSONField($0.value, path: path.appending(key: $0.key))) }
    }

    public func string() throws(JSONError) -> String? {
        guard let value else { return nil }
        guard case .string(let text) = value else { throw error(expected: "a string") }
        return text
    }

    public func bool() throws(JSONError) -> Bool? {
        guard let value else { return nil }
        guard case .bool(let flag) = value else { throw error(expected: "true or false") }
        return flag
    }

    /// The whole number here, which must lie in `limits`.
    public func integer<Number: FixedWidthInteger & Sendable>(in limits: ClosedRange<Number>) throws(JSONError)
        -> Number?
    {
        guard let value else { return nil }
        guard case .integer(let wide) = value, let number = Number(exactly: wide), limits.contains(number) else {
            throw error(expected: "a whole number from \(limits.lowerBound) to \(limits.upperBound)")
        }
        return number
    }

    /// The string here, made into something by `parse`; nil from `parse` means that it is not what was `expected`.
    ///
    /// An empty string counts as absent, as it does for the reference.
    public func text<Value>(_ expected: String, _ parse: (String) -> Value?) throws(JSONError) -> Value? {
        guard let value else { return nil }
        guard case .string(let text) = value else { throw error(expected: expected) }
        if text.isEmpty { return nil }
        guard let parsed = parse(text) else { throw error(expected: expected) }
        return parsed
    }

    /// The value that `read` finds, or an error that says what is missing.
    public func required<Value>(
        _ expected: String, _ read: (JSONField) throws(JSONError) -> Value?
    ) throws(JSONError) -> Value {
        guard let value = try read(self) else { throw error(expected: expected) }
        return value
    }

    /// The error that says what was expected here instead of what was found.
    public func error(expected: String) -> JSONError {
        JSONError(path: path, expected: expected, found: value?.summary)
    }
}
