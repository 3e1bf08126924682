internal import CJansson
internal import Glibc

extension JSONValue {
    /// How a value is laid out as text.
    public enum Layout: Sendable {
        /// Everything on one line, without spaces.
        case compact
        /// One member a line, indented by four spaces, as the reference prints its results.
        case indented
    }

    /// The value as JSON text in UTF-8, without a newline at its end.
    ///
    /// Numbers that JSON cannot express (infinite, not a number) become null.
    public func text(_ layout: Layout = .indented) -> [UInt8] {
        let flags = JSON_ENCODE_ANY | (layout == .compact ? JSON_COMPACT : 4)
        let document = Document(adopting: owned())
        guard let text = json_dumps(document.root, Int(flags)) else { return Array("null".utf8) }
        defer { free(text) }
        return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    /// A new jansson value, owned by the caller.
    private func owned() -> UnsafeMutablePointer<json_t> {
        let value: UnsafeMutablePointer<json_t>?
        switch self {
        case .null: value = json_null()
        case .bool(let flag): value = flag ? json_true() : json_false()
        case .integer(let number): value = json_integer(json_int_t(number))
        case .real(let number): value = json_real(number) ?? json_null()
        case .string(let text): value = text.withCString { json_stringn($0, text.utf8.count) }
        case .array(let elements):
            value = json_array()
            for element in elements { json_array_append_new(value, element.owned()) }
        case .object(let object):
            value = json_object()
            for member in object.members { json_object_set_new(value, member.key, member.value.owned()) }
        }
        guard let value else { fatalError("out of memory") }
        return value
    }
}
