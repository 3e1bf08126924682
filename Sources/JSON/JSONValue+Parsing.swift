internal import CJansson
internal import Glibc

extension JSONValue {
    /// Reads one JSON document, which must be an object or an array and be followed by white space only.
    ///
    /// Of duplicate keys the last counts. Invalid UTF-8, numbers beyond 64 bits, NUL characters and nesting
    /// deeper than ``maximumDepth`` are errors that name the key at which reading stopped.
    public init(parsing text: [UInt8]) throws(JSONError) {
        if let error = JSONValue.nestingError(in: text) { throw error }
        seedOnce()
        var failure = json_error_t()
        let root = text.withUnsafeBytes { bytes in
            json_loadb(bytes.baseAddress, bytes.count, 0, &failure)
        }
        guard let root else { throw JSONError(text, failure) }
        let document = Document(adopting: root)
        self = JSONValue(borrowing: document.root)
    }

    /// How deep arrays and objects may nest. Far beyond every configuration, far below what a stack holds.
    public static let maximumDepth = 256

    /// An error where brackets nest too deep. Looked for ahead of reading, because the reader recurses.
    private static func nestingError(in text: [UInt8]) -> JSONError? {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for (position, byte) in text.enumerated() {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: continue
            }
            if depth > maximumDepth { return nestingError(in: text[...position]) }
        }
        return nil
    }

    /// The error for text that nests too deep at its end, with the start of the path there.
    private static func nestingError(in text: ArraySlice<UInt8>) -> JSONError {
        var scanner = JSONPathScanner()
        for byte in text { scanner.consume(byte) }
        return JSONError(path: scanner.shortPath, expected: "at most \(maximumDepth) levels of nesting", found: "more")
    }

    private init(borrowing value: UnsafeMutablePointer<json_t>) {
        switch value.pointee.type {
        case JSON_OBJECT:
            var members: [JSONObject.Member] = []
            members.reserveCapacity(json_object_size(value))
            var iterator = json_object_iter(value)
            while let current = iterator {
                if let key = json_object_iter_key(current), let member = json_object_iter_value(current) {
                    members.append(JSONObject.Member(key: String(cString: key), value: JSONValue(borrowing: member)))
                }
                iterator = json_object_iter_next(value, current)
            }
            self = .object(JSONObject(members))
        case JSON_ARRAY:
            self = .array(
                (0..<json_array_size(value)).compactMap { json_array_get(value, $0).map(JSONValue.init(borrowing:)) })
        case JSON_STRING:
            let bytes = UnsafeBufferPointer(start: json_string_value(value), count: json_string_length(value))
            self = .string(String(decoding: UnsafeRawBufferPointer(bytes), as: UTF8.self))
        case JSON_INTEGER: self = .integer(Int64(json_integer_value(value)))
        case JSON_REAL: self = .real(json_real_value(value))
        case JSON_TRUE: self = .bool(true)
        case JSON_FALSE: self = .bool(false)
        default: self = .null
        }
    }
}

/// A jansson value that this handle owns.
struct Document: ~Copyable {
    let root: UnsafeMutablePointer<json_t>

    init(adopting root: UnsafeMutablePointer<json_t>) {
        self.root = root
    }

    deinit { json_decref(root) }
}

/// Seeds jansson's hash from the random bytes that the kernel gives every process, which saves it three
/// system calls for /dev/urandom. Only the first call has an effect.
private func seedOnce() {
    guard let random = UnsafeRawPointer(bitPattern: getauxval(UInt(AT_RANDOM))) else { return }
    // Any bit pattern, at any address: the upper half of the numbers is negative to jansson's imported type.
    json_object_seed(Int(bitPattern: random.loadUnaligned(as: UInt.self) | 1))
}

extension JSONError {
    /// What jansson says, with the path of the key at which it stopped.
    init(_ text: [UInt8], _ failure: json_error_t) {
        var failure = failure
        let reason = withUnsafeBytes(of: &failure.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        var scanner = JSONPathScanner()
        for byte in text.prefix(max(0, Int(failure.position))) { scanner.consume(byte) }
        let place = "\(reason) (line \(failure.line), column \(failure.column))"
        self.init(path: scanner.path, expected: "JSON", found: text.isEmpty ? "no input" : place)
    }
}
