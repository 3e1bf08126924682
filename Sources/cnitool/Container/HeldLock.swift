internal import LinuxSystem

/// A lock that is held while this object lives.
final class HeldLock {
    private let lock: FileLock

    init(_ lock: consuming FileLock) {
        self.lock = lock
    }
}
