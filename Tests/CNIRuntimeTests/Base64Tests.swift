import Foundation
import Testing

@testable import CNIRuntime

@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `the examples of the standard`(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
    }

    @Test func `all bytes in all lengths agree with Foundation and come back`() {
        let bytes = (0..<600).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ 7) }
        for count in 0...bytes.count {
            let start = Array(bytes.prefix(count))
            #expect(Base64.encode(start) == Data(start).base64EncodedString())
            #expect(Base64.decode(Base64.encode(start)) == start)
        }
    }

    @Test(arguments: ["Zg=", "Zg", "Z===", "=Zg=", "Zm9v=m9v", "Zg==Zg==", "Zm 9", "Zm9\u{e9}", "===="])
    func `what is no base64 text is refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
