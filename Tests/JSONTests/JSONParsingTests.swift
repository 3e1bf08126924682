import JSON
import Testing

/// Reading: what runtimes and hostile callers send.
@Suite struct JSONParsingTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func `reads every kind of value`() throws {
        let value = try parse(#"{"n":null,"t":true,"f":false,"i":-7,"r":1.5,"s":"\u00e4\n","a":[1,"2"],"o":{}}"#)
        #expect(
            value == [
                "n": nil, "t": true, "f": false, "i": -7, "r": .real(1.5), "s": "ä\n", "a": [1, "2"], "o": [:],
            ])
    }

    @Test func `keeps the order of the keys`() throws {
        guard case .object(let object) = try parse(#"{"z":1,"a":2,"M":3,"b":4}"#) else { throw Unexpected() }
        #expect(object.members.map(\.key) == ["z", "a", "M", "b"])
    }

    @Test(arguments: [
        (#"{"a":1,"a":2}"#, 2), (#"{"mtu":1,"MTU":2}"#, 2), (#"{"MTU":1,"mtu":2}"#, 2),
        (#"{"a":1,"A":2,"b":0,"A":4}"#, 4),
    ])
    func `of duplicate keys the last counts, whatever its case`(text: String, expected: Int64) throws {
        guard case .object(let object) = try parse(text), let key = object.members.first?.key else {
            throw Unexpected()
        }
        #expect(object[key] == .integer(expected))
        #expect(object[key.lowercased()] == .integer(expected))
    }

    @Test func `whole numbers up to the limits of 64 bits stay exact`() throws {
        #expect(try parse("[9223372036854775807,-9223372036854775808]") == [.integer(.max), .integer(.min)])
    }

    /// A document and the path at which reading stops.
    static let bad: [(name: String, text: [UInt8], path: String)] = [
        ("nothing", [], ""), ("blanks", Array("  \n".utf8), ""), ("a bare word", Array("todo".utf8), ""),
        ("a bare string", Array(#""a""#.utf8), ""), ("a bare number", Array("7".utf8), ""),
        ("cut off in an object", Array(#"{"ipam":{"type":"#.utf8), "ipam.type"),
        ("cut off in an array", Array(#"{"a":[1,{"b":2"#.utf8), "a[1].b"),
        ("cut off in a string", Array(#"{"a":"bc"#.utf8), "a"),
        ("trailing bytes", Array(#"{"a":1} x"#.utf8), ""), ("two documents", Array("{}{}".utf8), ""),
        ("a trailing NUL", Array("{}\0".utf8), ""), ("a missing comma", Array(#"{"a":1 "b":2}"#.utf8), "a"),
        ("a trailing comma", Array(#"{"a":[1,]}"#.utf8), "a"), ("a comment", Array("{}//".utf8), ""),
        ("a number beyond 64 bits", Array(#"{"a":{"mtu":9223372036854775808}}"#.utf8), "a.mtu"),
        ("a number far beyond 64 bits", Array(#"{"a":[0,123456789012345678901234567890]}"#.utf8), "a[1]"),
        ("a real number beyond a double", Array(#"{"a":1e999}"#.utf8), "a"),
        ("a leading zero", Array(#"{"a":010}"#.utf8), "a"), ("a plus sign", Array(#"{"a":+1}"#.utf8), "a"),
        ("not a number", Array(#"{"a":NaN}"#.utf8), "a"),
        ("an escaped NUL", Array(#"{"a":"b\u0000c"}"#.utf8), "a"),
        ("an escaped NUL in a key", Array(#"{"b\u0000c":1}"#.utf8), #"b\u0000c"#),
        ("a bare NUL", Array(#"{"a":""#.utf8) + [0] + Array(#""}"#.utf8), "a"),
        ("a bare newline in a string", Array("{\"a\":\"\n\"}".utf8), "a"),
        ("invalid UTF-8 in a string", Array(#"{"a":[""#.utf8) + [0xFF] + Array(#""]}"#.utf8), "a[0]"),
        ("overlong UTF-8", Array(#"{"a":""#.utf8) + [0xC0, 0x80] + Array(#""}"#.utf8), "a"),
        ("a surrogate in UTF-8", Array(#"{"a":""#.utf8) + [0xED, 0xA0, 0x80] + Array(#""}"#.utf8), "a"),
        ("half an escaped pair", Array(#"{"a":"\ud800"}"#.utf8), "a"),
        ("invalid UTF-8 in a key", Array(#"{"b":{""#.utf8) + [0xFE] + Array(#"":1}}"#.utf8), "b"),
        ("invalid UTF-8 outside strings", [0x7B, 0x80, 0x7D], ""),
        ("a byte order mark", [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], ""),
        ("a closing bracket of the other kind", Array(#"{"a":[1}"#.utf8), "a"),
        ("closing brackets alone", Array("]]}}".utf8), ""),
    ]

    @Test(arguments: bad.indices) func `bad documents are errors that say where`(row: Int) {
        let (name, text, path) = JSONParsingTests.bad[row]
        let error = #expect(throws: JSONError.self, "\(name)") { try JSONValue(parsing: text) }
        #expect(error?.path.description == path, "\(name): \(error?.description ?? "")")
        #expect(error?.expected == "JSON", "\(name)")
        #expect(error?.found?.isEmpty == false, "\(name)")
    }

    @Test func `nesting is read up to the limit and refused beyond it`() throws {
        let limit = JSONValue.maximumDepth
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        var depth = 0
        var value = try parse(nested(limit))
        while case .array(let elements) = value {
            depth += 1
            guard let first = elements.first else { break }
            value = first
        }
        #expect(depth == limit)
        let error = #expect(throws: JSONError.self) { try parse(nested(limit + 1)) }
        #expect(error?.expected == "at most \(limit) levels of nesting")
    }

    @Test(arguments: ["[", #"{"a":"#, #"[{"a":"#])
    func `a nesting bomb is refused in little time and with a short path`(unit: String) {
        let error = #expect(throws: JSONError.self) { try parse(String(repeating: unit, count: 200_000)) }
        #expect((error?.path.description.utf8.count ?? 999) < 64)
    }

    @Test func `brackets in strings do not count as nesting`() throws {
        let text = String(repeating: "[", count: 1000) + #"\\\""# + String(repeating: "{", count: 1000)
        #expect(try parse(#"{"a":"\#(text)"}"#) != [:])
    }

    private struct Unexpected: Error {}
}
