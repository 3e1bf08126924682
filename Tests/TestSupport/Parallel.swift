internal import Foundation

/// Runs `body` for 0, 1, … at the same time, each in a thread of its own, and returns what they returned, in order; throws
/// the first error.
///
/// Tasks would not do: as many run as there are processors, and these wait for programs.
@discardableResult
public func inParallel<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Value] {
    let results = Results<Value>()
    let group = DispatchGroup()
    for number in 0..<count {
        group.enter()
        let thread = Thread {
            results.set(number, Result { try body(number) })
            group.leave()
        }
        thread.start()
    }
    group.wait()
    return try (0..<count).compactMap { try results.get($0)?.get() }
}

/// What the threads returned.
private final class Results<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Int: Result<Value, any Error>] = [:]

    func set(_ number: Int, _ value: Result<Value, any Error>) { lock.withLock { values[number] = value } }
    func get(_ number: Int) -> Result<Value, any Error>? { lock.withLock { values[number] } }
}
