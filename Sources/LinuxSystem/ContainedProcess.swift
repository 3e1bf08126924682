internal import CLinux
internal import Glibc
public import SystemPackage

/// A command that runs in mount and host name namespaces of its own, and in a network if one is named. It ends with the
/// process that started it (PR_SET_PDEATHSIG).
///
/// For processes with a single thread: it is started by fork(2).
public struct ContainedProcess {
    /// Where and as what a command runs.
    public struct Setting {
        /// Nil: the network of the calling process. Else /sys shows this one's links, as with `ip netns exec`.
        public var network: NetworkNamespace?
        /// Nil: as the calling process has it.
        public var hostName: String?
        /// Files that are seen in place of others. One whose target does not exist is left out.
        public var files: [(source: String, target: String)] = []
        /// Whether it has no standard streams.
        public var isSilent = false

        public init(network: NetworkNamespace? = nil, hostName: String? = nil) {
            self.network = network
            self.hostName = hostName
        }
    }

    /// What the command could not be started for.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// Such as `mount /sys`; nil where the program itself could not be executed.
        public let step: String?
        public let errno: Errno

        public var description: String { (step.map { "cannot \($0): " } ?? "") + "\(errno)" }
    }

    public let identifier: Int32

    /// Starts the program at `path` with environment, standard streams, working directory and terminal of this process.
    ///
    /// - Parameter signals: held in this process, and released in the command.
    public init(path: String, arguments: [String], in setting: Setting, signals: HeldSignals) throws(Failure) {
        let step = "start a process"
        var ends: [CInt] = [0, 0]
        do throws(Errno) { try succeeding { CLinux_pipe(&ends) } } catch { throw Failure(step: step, errno: error) }
        let reading = OwnedDescriptor(adopting: ends[0])
        let parent = getpid()
        let child = CLinux_fork()
        if child == 0 {
            let failure = ContainedProcess.become(path, arguments, setting, signals, parent)
            // One small write into an empty pipe is never torn.
            let text = "\(failure.errno.rawValue) \(failure.step ?? "")"
            try? writeAll(Array(text.utf8), to: ends[1])
            _exit(127)
        }
        let failure = Errno(rawValue: Glibc.errno)
        close(ends[1])
        if child < 0 { throw Failure(step: step, errno: failure) }
        identifier = child
        // The pipe closes without a word when the program starts.
        let report = (try? reading.readAll(limit: 4096)) ?? []
        guard !report.isEmpty else { return }
        waitpid(child, nil, 0)
        let parts = String(decoding: report, as: UTF8.self).split(separator: " ", maxSplits: 1)
        throw Failure(
            step: parts.count == 2 ? String(parts[1]) : nil,
            errno: Errno(rawValue: parts.first.flatMap { CInt($0) } ?? 0))
    }

    /// Whether it has ended. It keeps its number until ``finish()``.
    public var hasEnded: Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(identifier), &information, WEXITED | WNOHANG | WNOWAIT) == 0
            && information.si_signo == SIGCHLD
    }

    /// kill(1)
    public func send(_ signal: Int32) { kill(identifier, signal) }

    /// Waits for its end; once.
    public func finish() -> ChildProcess.Ending {
        var status: CInt = 0
        while waitpid(identifier, &status, 0) < 0 && Glibc.errno == EINTR {}
        return status & 0x7F == 0 ? .exited(status: status >> 8 & 0xFF) : .killed(signal: status & 0x7F)
    }

    /// What the child does: returns only where something fails.
    private static func become(
        _ path: String, _ arguments: [String], _ setting: Setting, _ signals: HeldSignals, _ parent: pid_t
    ) -> Failure {
        do throws(Failure) {
            try step("tie the command to cnitool") { CLinux_signalWhenParentEnds(SIGKILL) }
            // It may have ended before that.
            if getppid() != parent { _exit(127) }
            if let network = setting.network {
                do throws(Errno) { try network.enter() } catch {
                    throw Failure(step: "enter the sandbox", errno: error)
                }
            }
            try step("make namespaces") { CLinux_newMountAndHostNameNamespaces() }
            // What is mounted here stays here; what the host unmounts, namespaces above all, goes here as well.
            try step("keep mounts apart") { mount("", "/", "none", UInt(MS_SLAVE | MS_REC), nil) }
            if let name = setting.hostName {
                try step("set the host name") { sethostname(name, name.utf8.count) }
            }
            if setting.network != nil { try mountSystemFolder() }
            for (source, target) in setting.files where access(target, F_OK) == 0 {
                try step("mount \(target)") { mount(source, target, "none", UInt(MS_BIND), nil) }
            }
        } catch {
            return error
        }
        if setting.isSilent { StandardStreams.close() }
        signals.release()
        return Failure(step: nil, errno: CurrentProcess.become(path, arguments))
    }

    /// Mounts a /sys that shows the links of the network, with the control groups that the other one had.
    private static func mountSystemFolder() throws(Failure) {
        let groups = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try step("mount /sys") { mount("sysfs", "/sys", "sysfs", 0, nil) }
        guard groups >= 0 else { return }
        // Not worth failing for.
        _ = mount("/proc/self/fd/\(groups)", "/sys/fs/cgroup", "none", UInt(MS_BIND | MS_REC), nil)
        close(groups)
    }

    private static func step(_ name: String, _ call: () -> CInt) throws(Failure) {
        do throws(Errno) { try succeeding(call) } catch { throw Failure(step: name, errno: error) }
    }
}
