/// Follows JSON text byte by byte and knows which key it is at, so that an error in the text can name it.
///
/// It trusts the text no more than it must: whatever the bytes, it only ever answers with a path.
struct JSONPathScanner {
    private enum Level {
        case object(key: [UInt8])
        case array(index: Int)
    }

    private var levels: [Level] = []
    private var string: [UInt8] = []
    private var isInString = false
    private var isEscaped = false
    private var expectsKey = false

    /// How many arrays and objects are open.
    var depth: Int { levels.count }

    /// The key at which the scanner is.
    var path: JSONPath {
        levels.reduce(JSONPath()) { path, level in
            switch level {
            case .object(let key) where key.isEmpty: path
            case .object(let key): path.appending(key: String(decoding: key, as: UTF8.self))
            case .array(let index): path.appending(index: index)
            }
        }
    }

    /// The start of the path, for text that nests without end.
    var shortPath: JSONPath {
        var start = self
        start.levels = Array(levels.prefix(8))
        return start.path
    }

    mutating func consume(_ byte: UInt8) {
        if isInString {
            consumeInString(byte)
            return
        }
        switch byte {
        case UInt8(ascii: "\""):
            isInString = true
            string.removeAll(keepingCapacity: true)
        case UInt8(ascii: "{"):
            levels.append(.object(key: []))
            expectsKey = true
        case UInt8(ascii: "["):
            levels.append(.array(index: 0))
            expectsKey = false
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            _ = levels.popLast()
            expectsKey = false
        case UInt8(ascii: ","):
            nextElement()
        case UInt8(ascii: ":"):
            expectsKey = false
        default: break
        }
    }

    private mutating func nextElement() {
        switch levels.last {
        case .array(let index):
            levels[levels.count - 1] = .array(index: index + 1)
        case .object:
            expectsKey = true
            levels[levels.count - 1] = .object(key: [])
        case nil: break
        }
    }

    private mutating func consumeInString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
            string.append(byte)
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
            string.append(byte)
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
            if expectsKey, case .object = levels.last { levels[levels.count - 1] = .object(key: string) }
        } else if string.count < 64 {
            string.append(byte)
        }
    }
}
