import JSON
import Testing

/// Each reader's good, absent and wrong values, and the path that its errors name.
@Suite struct JSONFieldTests {
    private let document = JSONField([
        "s": "text", "e": "", "n": nil, "t": true, "i": 70000, "neg": -1, "r": .real(1.5), "a": ["x", 1],
        "o": ["k": ["d": "e"]],
    ])

    @Test func `absent keys and null are nil everywhere`() throws {
        for key in ["missing", "n"] {
            let field = try document[key]
            #expect(field.isAbsent)
            #expect(try field.string() == nil)
            #expect(try field.bool() == nil)
            #expect(try field.integer(in: 0...10) == nil)
            #expect(try field.object() == nil)
            #expect(try field.elements().isEmpty)
            #expect(try field.members().isEmpty)
            #expect(try field["below"]["that"].isAbsent)
        }
    }

    @Test func `good values are read`() throws {
        #expect(try document["S"].string() == "text")
        #expect(try document["t"].bool() == true)
        #expect(try document["i"].integer(in: 0...UInt32.max) == 70000)
        #expect(try document["neg"].integer(in: Int8.min...0) == -1)
        #expect(try document["o"]["K"]["d"].string() == "e")
        #expect(try document["o"].members().map { $0.key } == ["k"])
        #expect(try document["e"].text("a name") { $0 } == nil)
        #expect(try document["e"].string() == "")
    }

    /// What goes wrong, and what the error says.
    static let wrong: [(String, @Sendable (JSONField) throws -> Void)] = [
        ("s: expected an object, found the string \"text\"", { _ = try $0["s"]["below"] }),
        ("s: expected an array, found the string \"text\"", { _ = try $0["s"].elements() }),
        ("t: expected a string, found true", { _ = try $0["t"].string() }),
        ("i: expected true or false, found the number 70000", { _ = try $0["i"].bool() }),
        (
            "i: expected a whole number from 0 to 65535, found the number 70000",
            { _ = try $0["i"].integer(in: 0...UInt16.max) }
        ),
        ("neg: expected a whole number from 0 to 5, found the number -1", { _ = try $0["neg"].integer(in: 0...5) }),
        ("r: expected a whole number from 0 to 5, found the number 1.5", { _ = try $0["r"].integer(in: 0...5) }),
        ("s: expected a whole number from 0 to 5, found the string \"text\"", { _ = try $0["s"].integer(in: 0...5) }),
        (
            "a[1]: expected a string, found the number 1",
            { for element in try $0["a"].elements() { _ = try element.string() } }
        ),
        (
            "o.k.d: expected a colour, found the string \"e\"",
            { _ = try $0["o"]["k"]["d"].text("a colour") { _ in Int?.none } }
        ),
        (
            "o.k.x: expected a thing, found nothing",
            { _ = try $0["o"]["k"]["x"].required("a thing") { field throws(JSONError) in try field.string() } }
        ),
        ("o: expected a name, found an object", { _ = try $0["o"].text("a name") { $0 } }),
        ("expected a string, found an object", { _ = try $0.string() }),
    ]

    @Test(arguments: wrong.indices) func `errors name the path, the expected and the found`(row: Int) {
        let error = #expect(throws: JSONError.self) { try JSONFieldTests.wrong[row].1(document) }
        #expect(error?.description == JSONFieldTests.wrong[row].0)
    }

    @Test func `what is quoted in messages is short and without control characters`() {
        #expect(JSONValue.quoted("a\u{1b}[31m\n\u{7f}") == "\"a?[31m??\"")
        let long = JSONValue.quoted(String(repeating: "x", count: 10_000))
        #expect(long == "\"" + String(repeating: "x", count: 64) + "…\"")
        #expect(JSONValue.quoted(String(repeating: "x", count: 64)).hasSuffix("x\""))
    }
}
