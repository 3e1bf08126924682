internal import CLinux
internal import Glibc
public import SystemPackage

/// Goes on in the background, without a terminal, while whoever asked for it waits until it is on its way.
///
/// For processes with a single thread.
public enum BackgroundProcess {
    /// Both processes that return from ``start()``.
    public enum Side {
        /// The one that goes on.
        case background(Announcement)
        /// The one that was there before: the other one has announced itself, which counts as exit status 0, or ended.
        case foreground(ChildProcess.Ending)
    }

    /// How the process in the background says that it is on its way.
    public struct Announcement {
        let number: CInt

        /// Lets the other process go on, and leaves the standard streams.
        public func make() {
            StandardStreams.close()
            try? writeAll([UInt8(ascii: "+")], to: number)
            close(number)
        }
    }

    /// fork(2) and setsid(2). What else whoever asked had open, such as a lock, is closed in the background.
    public static func start() throws(Errno) -> Side {
        var ends: [CInt] = [0, 0]
        try succeeding { CLinux_pipe(&ends) }
        let child = try succeeding { CLinux_fork() }
        if child == 0 {
            CLinux_closeOthers(ends[1])
            setsid()
            return .background(Announcement(number: ends[1]))
        }
        close(ends[1])
        let word = (try? readAll(from: ends[0], limit: 16)) ?? []
        close(ends[0])
        if !word.isEmpty { return .foreground(.exited(status: 0)) }
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return .foreground(
            status & 0x7F == 0 ? .exited(status: status >> 8 & 0xFF) : .killed(signal: status & 0x7F))
    }
}
