public import CNI

/// Steps that all run, whatever happens to the others; what failed is reported once, at the end.
public struct Teardown {
    private var failures: [CNIError] = []

    public init() {}

    /// Runs a step now and remembers its failure.
    public mutating func step(_ body: () throws -> Void) {
        do { try body() } catch { failures.append(CNIError(reporting: error)) }
    }

    /// Throws one error that lists every failure; its code is that of the first.
    public func finish() throws(CNIError) {
        guard let first = failures.first else { return }
        if failures.count == 1 { throw first }
        throw CNIError(first.code, failures.map(\.description).joined(separator: "; "))
    }
}
