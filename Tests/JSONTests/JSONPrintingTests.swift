import Foundation
import JSON
import Testing

/// Printing, read back by another reader.
@Suite struct JSONPrintingTests {
    private func text(_ value: JSONValue, _ layout: JSONValue.Layout = .compact) -> String {
        String(decoding: value.text(layout), as: UTF8.self)
    }

    @Test func `compact text has no blanks, indented text one member a line`() {
        let value: JSONValue = ["b": [1, 2], "a": ["c": nil]]
        #expect(text(value) == #"{"b":[1,2],"a":{"c":null}}"#)
        #expect(
            text(value, .indented) == """
                {
                    "b": [
                        1,
                        2
                    ],
                    "a": {
                        "c": null
                    }
                }
                """)
    }

    @Test(arguments: ["", "\"", "\\", "\n\t\u{0}\u{1f}\u{7f}", "ä€😀", "</script>", "\u{2028}"])
    func `any text survives`(original: String) throws {
        let printed = Data(JSONValue.array([.string(original)]).text())
        #expect(try JSONSerialization.jsonObject(with: printed) as? [String] == [original])
    }

    @Test(arguments: [Int64.min, -1, 0, 1, .max]) func `whole numbers survive`(number: Int64) throws {
        #expect(text([.integer(number)]) == "[\(number)]")
    }

    @Test(arguments: [0.1, -1.5, 1e300, 2.2250738585072014e-308, 1.0]) func `real numbers survive and stay real`(
        number: Double
    ) throws {
        #expect(try JSONValue(parsing: JSONValue.array([.real(number)]).text()) == [.real(number)])
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity]) func `what JSON cannot express is null`(number: Double) {
        #expect(text([.real(number)]) == "[null]")
    }

    @Test func `a value alone is printed too`() {
        #expect(text("a") == "\"a\"")
        #expect(text(nil) == "null")
    }
}
