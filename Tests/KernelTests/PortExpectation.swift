import TestSupport
import Testing

/// Who shall answer on a port.
struct PortExpectation {
    let question: PortQuestion
    /// Nil: nobody.
    let name: String?
    /// Whom that one shall see; nil: does not matter.
    let source: String?

    /// Somebody answers: the servers of that name.
    static func answer(
        from namespace: LabNamespace, to address: String, _ port: Int, _ protocol: PortProtocol = .tcp, by name: String,
        seenAs source: String? = nil, sourcePort: Int? = nil
    ) -> PortExpectation {
        PortExpectation(
            question: PortQuestion(from: namespace, to: address, port, `protocol`, sourcePort: sourcePort),
            name: name, source: source)
    }

    /// Nobody answers.
    static func silence(
        from namespace: LabNamespace, to address: String, _ port: Int, _ protocol: PortProtocol = .tcp,
        sourceAddress: String? = nil
    ) -> PortExpectation {
        PortExpectation(
            question: PortQuestion(
                from: namespace, to: address, port, `protocol`, sourceAddress: sourceAddress, timeout: 0.4),
            name: nil, source: nil)
    }
}

/// Asks everything at once, and fails once for each answer that is not as expected.
func expect(
    _ ports: PortLab, _ note: String, _ expectations: [PortExpectation],
    at location: SourceLocation = #_sourceLocation
) throws {
    let replies = try ports.ask(expectations.map(\.question))
    for (expectation, reply) in zip(expectations, replies) {
        let isRight =
            expectation.name == reply.name && (expectation.source == nil || expectation.source == reply.source)
        let wanted = expectation.name.map { $0 + (expectation.source.map { " that sees \($0)" } ?? "") } ?? "nobody"
        #expect(
            isRight, "\(note): \(expectation.question): \(reply), expected \(wanted)", sourceLocation: location)
    }
}
