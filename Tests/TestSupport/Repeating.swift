internal import Foundation

/// Something that is done again and again beside a test, in a thread of its own, until it is stopped or fails.
public final class Repeating: @unchecked Sendable {
    private let lock = NSLock()
    private let group = DispatchGroup()
    private var isStopped = false
    private var rounds = 0
    private var failure: (any Error)?

    /// Begins; `body` is told how often it has been done.
    public init(_ body: @escaping @Sendable (Int) throws -> Void) {
        group.enter()
        Thread.detachNewThread { [self] in
            defer { group.leave() }
            while let round = next() {
                do { try body(round) } catch { return lock.withLock { failure = error } }
            }
        }
    }

    /// Waits until a round has ended, and begins no other. How often it was done; throws what `body` threw.
    @discardableResult
    public func stop() throws -> Int {
        lock.withLock { isStopped = true }
        group.wait()
        if let failure { throw failure }
        return rounds
    }

    private func next() -> Int? {
        lock.withLock {
            if isStopped { return nil }
            defer { rounds += 1 }
            return rounds
        }
    }
}
