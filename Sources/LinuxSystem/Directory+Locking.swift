internal import Glibc
public import SystemPackage

extension Directory {
    /// Waits for the exclusive lock (flock(2)) on the file `name`, which is made where it is missing. The lock
    /// ends with the value that is returned, and with the process.
    public func lock(_ name: String, mode: UInt32 = 0o644) throws(Errno) -> FileLock {
        let file = try OwnedDescriptor(
            opening: try checked(name), in: descriptor.number, O_RDWR | O_CREAT | O_NOFOLLOW, mode: mode)
        try succeeding { flock(file.number, LOCK_EX) }
        return FileLock(adopting: file)
    }

    /// Takes the lock of ``lock(_:mode:)`` where nobody else holds it; nil where somebody does.
    public func tryLock(_ name: String, mode: UInt32 = 0o644) throws(Errno) -> FileLock? {
        let file = try OwnedDescriptor(
            opening: try checked(name), in: descriptor.number, O_RDWR | O_CREAT | O_NOFOLLOW, mode: mode)
        do throws(Errno) {
            try succeeding { flock(file.number, LOCK_EX | LOCK_NB) }
            return FileLock(adopting: file)
        } catch .wouldBlock {
            return nil
        } catch {
            throw error
        }
    }

    /// As ``tryLock(_:mode:)``, but waits for those who hold the lock for about so long.
    public func lock(_ name: String, mode: UInt32 = 0o644, milliseconds: Int) throws(Errno) -> FileLock? {
        let end = MonotonicTime.now + milliseconds
        while true {
            if let lock = try tryLock(name, mode: mode) { return lock }
            if end.remaining == 0 { return nil }
            // flock(2) knows no time limit.
            poll(nil, 0, 5)
        }
    }
}

/// A held lock on a file.
public struct FileLock: ~Copyable {
    private let descriptor: OwnedDescriptor

    init(adopting descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// Whether programs that are started from now on hold the lock as well, as they do not otherwise: should this process
    /// be killed, it ends with the last of them.
    public func setInherited(_ isInherited: Bool) {
        _ = fcntl(descriptor.number, F_SETFD, isInherited ? 0 : FD_CLOEXEC)
    }
}
