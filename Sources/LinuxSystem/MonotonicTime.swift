internal import CLinux
internal import Glibc

/// A point on the clock that never goes back (CLOCK_MONOTONIC), in milliseconds.
public struct MonotonicTime: Comparable, Sendable {
    private let milliseconds: Int

    public static var now: MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(milliseconds: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
    }

    public static func + (time: MonotonicTime, milliseconds: Int) -> MonotonicTime {
        MonotonicTime(milliseconds: time.milliseconds + milliseconds)
    }

    /// Milliseconds until then, 0 when it is past.
    public var remaining: Int { max(0, milliseconds - MonotonicTime.now.milliseconds) }

    public static func < (one: MonotonicTime, other: MonotonicTime) -> Bool { one.milliseconds < other.milliseconds }
}

extension MonotonicTime {
    /// Runs `body`. From this time on, calls in which the thread waits fail with EINTR, also those that begin later: for
    /// libraries that wait in calls which know no time limit, such as connect(2).
    ///
    /// For programs of one thread; SIGALRM and the timer of setitimer(2) are taken and given back.
    public func interrupting<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        CLinux_interruptCalls(remaining)
        defer { CLinux_stopInterrupting() }
        return try body()
    }
}
