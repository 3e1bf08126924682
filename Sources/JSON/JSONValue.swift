/// A JSON value (RFC 8259) as Swift sees it.
///
/// Whole numbers that fit 64 bits are ``integer(_:)``; everything with a fraction or an exponent is ``real(_:)``.
public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case real(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// What the value is, in words that fit an error message: `the string "abc"`, `an array`.
    public var summary: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): "the number \(value)"
        case .real(let value): "the number \(value)"
        case .string(let text): "the string \(JSONValue.quoted(text))"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// At most 64 characters of a text, in quotes and without control characters, fit for a message.
    public static func quoted(_ text: String) -> String {
        let visible = String(
            text.unicodeScalars.prefix(64).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) })
        return "\"" + visible + (text.unicodeScalars.count > 64 ? "…\"" : "\"")
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
}
