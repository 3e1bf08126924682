internal import CLinux
internal import Glibc

/// Signals that wait until somebody asks for them (sigwaitinfo(2)), so that nothing ends half done.
///
/// Made once, before anything that must be finished; processes that are started meanwhile hold them as well, until
/// ``release()`` in the process itself.
public struct HeldSignals {
    /// A signal that arrived.
    public struct Arrival: Equatable, Sendable {
        public let number: Int32
        /// Whether the kernel sent it, and not a process.
        let isFromKernel: Bool

        /// Whether it asks this process to end, and its child has not got it as well: the terminal interrupts all who are
        /// in the foreground.
        public var isForChild: Bool { number != SIGCHLD && !(isFromKernel && (number == SIGINT || number == SIGQUIT)) }
    }

    private var before = sigset_t()
    private var held = sigset_t()
    private let terminating: [Int32]

    /// Those that ask a process to end.
    public static let terminating = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// Holds these signals and SIGCHLD.
    public init(_ numbers: [Int32] = HeldSignals.terminating) {
        terminating = numbers
        sigemptyset(&held)
        for number in numbers + [SIGCHLD] { sigaddset(&held, number) }
        sigprocmask(SIG_BLOCK, &held, &before)
    }

    /// The next signal; waits for it.
    public func next() -> Arrival {
        var set = held
        var information = siginfo_t()
        while true {
            let number = sigwaitinfo(&set, &information)
            // SI_KERNEL, which Swift does not see.
            if number > 0 { return Arrival(number: number, isFromKernel: information.si_code == 0x80) }
        }
    }

    /// A signal that has arrived and asks to end; nil where there is none. It stays.
    public var pending: Int32? {
        var set = sigset_t()
        sigpending(&set)
        return terminating.first { sigismember(&set, $0) == 1 }
    }

    /// Lets signals come as they did before.
    public func release() {
        var set = before
        sigprocmask(SIG_SETMASK, &set, nil)
    }
}
