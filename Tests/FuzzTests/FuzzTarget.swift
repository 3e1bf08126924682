import Testing

/// One thing that gets whatever bytes there are, and what has to hold for all of them.
struct FuzzTarget: Sendable, CustomTestStringConvertible {
    /// The name of its folder in `testdata/fuzz`.
    let name: String
    /// Whether the input was understood, and not refused on the way. Throws ``FuzzFailure`` where something does not hold; a
    /// trap or a sanitizer's report says the same.
    let run: @Sendable ([UInt8]) throws -> Bool

    var testDescription: String { name }

    static let all =
        values + [bridge, firewall, hostLocal, loopback, macvlan, portmap, tuning] + [leases, leaseIndex]
        + [routeReplies, netfilterReplies, batchAnswers, legacyTable]
}

/// Something that does not hold.
struct FuzzFailure: Error, CustomStringConvertible {
    let description: String
}

/// Throws where a claim does not hold.
func require(_ isSo: Bool, _ claim: @autoclosure () -> String) throws {
    if !isSo { throw FuzzFailure(description: claim()) }
}

/// The parts of an input, with `---` on a line of its own between them.
struct InputParts {
    private let parts: [ArraySlice<UInt8>]

    init(_ input: [UInt8]) {
        let separator = Array("\n---\n".utf8)
        var parts: [ArraySlice<UInt8>] = []
        var rest = input[...]
        while let place = rest.firstRange(of: separator) {
            parts.append(rest[..<place.lowerBound])
            rest = rest[place.upperBound...]
        }
        self.parts = parts + [rest]
    }

    /// A part; an empty one where there is none.
    subscript(number: Int) -> [UInt8] { parts.indices.contains(number) ? Array(parts[number]) : [] }

    func text(_ number: Int) -> String { String(decoding: self[number], as: UTF8.self) }

    func from(_ number: Int) -> [[UInt8]] { parts.dropFirst(number).map(Array.init) }
}
