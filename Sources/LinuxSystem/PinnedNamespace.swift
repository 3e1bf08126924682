internal import CLinux
internal import Glibc
public import SystemPackage

/// A namespace that is kept while this object lives, so that nobody else gets its number, and who lives in it.
public final class PinnedNamespace: Sendable {
    /// What a namespace is of, as /proc/PID/ns names it.
    public enum Kind: String, Sendable {
        case network = "net"
        case mount = "mnt"
    }

    private let kind: Kind
    private let descriptor: CInt

    /// Opens the namespace that is mounted at, or linked from, `path`; nil where there is none.
    public init?(_ kind: Kind, path: String) {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { return nil }
        guard CLinux_isNamespaceFile(number) == 1 else {
            close(number)
            return nil
        }
        self.kind = kind
        descriptor = number
    }

    /// The namespace of a process; nil where there is no such process.
    public convenience init?(_ kind: Kind, of process: Int32) {
        self.init(kind, path: "/proc/\(process)/ns/\(kind.rawValue)")
    }

    deinit { close(descriptor) }

    /// The processes in it.
    public func members() throws(Errno) -> [Int32] {
        try Directory("/proc").names().compactMap { Int32($0) }.filter(isHome(of:))
    }

    private func isHome(of process: Int32) -> Bool {
        var (own, file) = (stat(), stat())
        return fstat(descriptor, &own) == 0 && stat("/proc/\(process)/ns/\(kind.rawValue)", &file) == 0
            && file.st_dev == own.st_dev && file.st_ino == own.st_ino
    }

    /// Kills all processes in it but this one, and those that they start meanwhile; returns whether none is left.
    public func endMembers() throws(Errno) -> Bool {
        // Whoever starts others all the time is faster than one look, but not than many.
        for _ in 0..<50 {
            let members = try members().filter { $0 != getpid() }
            if members.isEmpty { return true }
            for member in members {
                // The handle is of whoever had the number when it was opened: only now is it certain who that is.
                guard let process = try? ProcessHandle(member), isHome(of: member) else { continue }
                try process.send(SIGKILL)
                _ = process.waitForEnd(milliseconds: 1000)
            }
        }
        return false
    }
}
