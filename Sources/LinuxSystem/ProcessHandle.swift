internal import CLinux
internal import Glibc
public import SystemPackage

/// A process, and never another one that has got its number since (pidfd_open(2)).
public struct ProcessHandle: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// - Throws: `ESRCH` where there is no such process.
    public init(_ identifier: Int32) throws(Errno) {
        descriptor = OwnedDescriptor(adopting: try succeeding { CLinux_openProcess(identifier) })
    }

    /// kill(1); a process that has ended needs no signal.
    public func send(_ signal: Int32) throws(Errno) {
        do throws(Errno) {
            try succeeding { CLinux_signalProcess(descriptor.number, signal) }
        } catch .noSuchProcess {
            return
        } catch {
            throw error
        }
    }

    /// Waits for its end, and returns whether it came in that time.
    public func waitForEnd(milliseconds: Int) -> Bool {
        let end = MonotonicTime.now + milliseconds
        while true {
            var request = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
            let count = poll(&request, 1, CInt(clamping: end.remaining))
            if count > 0 { return true }
            if count == 0 || errno != EINTR { return false }
        }
    }

    /// Whether the process of that number has ended. One that has its number since counts as the same.
    public static func hasEnded(_ identifier: Int32) -> Bool {
        do throws(Errno) {
            return try ProcessHandle(identifier).waitForEnd(milliseconds: 0)
        } catch {
            return error == .noSuchProcess
        }
    }

    /// Moves the calling process into the mount, host name and, where that is asked, network namespaces of this one
    /// (`nsenter`), and back to its working directory by name.
    ///
    /// - Throws: `ESRCH` where the process has ended.
    public func enterNamespaces(withNetwork: Bool) throws(Errno) {
        let folder = try? Files.workingDirectory()
        try succeeding { CLinux_enterNamespacesOfProcess(descriptor.number, withNetwork ? 1 : 0) }
        if let folder, chdir(folder) != 0 { chdir("/") }
    }
}
