internal import LinuxSystem

/// A lock that is held while this object lives.
final class HeldLock {
    private let lock: FileLock

    init(_ lock: consuming FileLock) {
        self.lock = lock
    }

    /// Runs `body`, whose plugins hold the lock as well: what they do is finished before anybody looks at it who comes
    /// after this process was killed.
    func sharing<Value>(_ body: () throws -> Value) rethrows -> Value {
        lock.setInherited(true)
        defer { lock.setInherited(false) }
        return try body()
    }
}
