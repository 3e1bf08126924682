internal import Foundation
internal import Glibc

/// Runs programs from tests, from many threads at once.
///
/// Input and output are files without a name and not pipes: neither side can wait for the other, however much there
/// is to read or write, and a grandchild that lives on holds nobody up. Every descriptor is closed on exec, so that
/// programs started at the same time do not inherit each other's.
public enum Subprocess {
    /// How a program ended.
    public enum Ending: Equatable, Sendable, CustomStringConvertible {
        case exited(status: Int32)
        case killed(signal: Int32)
        /// It was killed because its time was up.
        case timedOut

        public var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .killed(let signal): "killed by signal \(signal)"
            case .timedOut: "killed because its time was up"
            }
        }
    }

    /// What a program left behind.
    public struct Outcome: Equatable, Sendable, CustomStringConvertible {
        public let ending: Ending
        public let output: [UInt8]
        public let errors: [UInt8]

        public var isSuccess: Bool { ending == .exited(status: 0) }
        public var outputText: String { String(decoding: output, as: UTF8.self) }
        public var errorText: String { String(decoding: errors, as: UTF8.self) }
        public var description: String { "\(ending); stdout: \(outputText); stderr: \(errorText)" }
    }

    /// The program could not be started, or did not do what the test needs.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Runs the program at `path` (no search) and waits for its end, at most `timeout` seconds: then it and what it
    /// started are killed.
    ///
    /// - Parameter environment: nil stands for the environment of the test process.
    public static func run(
        _ path: String, _ arguments: [String] = [], environment: [String: String]? = nil, input: [UInt8] = [],
        timeout: Double = 30
    ) throws -> Outcome {
        let variables = environment ?? ProcessInfo.processInfo.environment
        return try run(
            path, arguments, environmentEntries: variables.map { Array("\($0.key)=\($0.value)".utf8) }, input: input,
            timeout: timeout)
    }

    /// As ``run(_:_:environment:input:timeout:)``, with `NAME=value` texts that may hold any byte but NUL.
    public static func run(
        _ path: String, _ arguments: [String], environmentEntries: [[UInt8]], input: [UInt8] = [], timeout: Double = 30
    ) throws -> Outcome {
        let (standardInput, standardOutput, standardError) = (
            try NamelessFile(), try NamelessFile(), try NamelessFile()
        )
        try standardInput.write(input)
        let process = try spawn(
            path, [path] + arguments, environmentEntries, [standardInput, standardOutput, standardError])
        let ending = wait(for: process, timeout: timeout)
        return Outcome(ending: ending, output: try standardOutput.contents(), errors: try standardError.contents())
    }

    /// Finds a program of the system on the usual search path, which a test's environment may not have.
    public static func find(_ name: String) -> String? {
        ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"]
            .map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [[UInt8]], _ streams: [NamelessFile]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (number, stream) in streams.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, stream.descriptor, CInt(number))
        }
        // A process group of its own, to be killed as a whole; no signal ignored or blocked that the test process
        // ignores or blocks.
        var everySignal = sigset_t()
        var noSignal = sigset_t()
        sigfillset(&everySignal)
        sigemptyset(&noSignal)
        posix_spawnattr_setsigdefault(&attributes, &everySignal)
        posix_spawnattr_setsigmask(&attributes, &noSignal)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))

        var process: pid_t = 0
        let failure = withCStrings(arguments.map { Array($0.utf8) }) { arguments in
            withCStrings(environment) { posix_spawn(&process, path, &actions, &attributes, arguments, $0) }
        }
        if failure != 0 { throw Failure(description: "cannot run \(path): \(String(cString: strerror(failure)))") }
        return process
    }

    /// Waits in two steps: the process stays a zombie, and its id its own, until the timer can no longer fire.
    private static func wait(for process: pid_t, timeout: Double) -> Ending {
        let watch = Watch()
        let timer = DispatchWorkItem {
            watch.ifRunning {
                kill(-process, SIGKILL)
                kill(process, SIGKILL)
            }
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + timeout, execute: timer)
        var information = siginfo_t()
        while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        timer.cancel()
        let wasKilled = watch.finish()
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
        if wasKilled { return .timedOut }
        return status & 0x7F == 0 ? .exited(status: status >> 8 & 0xFF) : .killed(signal: status & 0x7F)
    }

    private static func withCStrings<Result>(
        _ texts: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { text in
            (text + [0]).map(CChar.init(bitPattern:)).withUnsafeBufferPointer { $0.baseAddress.flatMap(strdup) }
        }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { fatalError("an array with an element has an address") }
            return body(base)
        }
    }
}

/// Lets either the end of a process or its timer win, never both.
private final class Watch: @unchecked Sendable {
    private let lock = NSLock()
    private var isFinished = false
    private var hasFired = false

    func ifRunning(_ body: () -> Void) {
        lock.withLock {
            if isFinished { return }
            hasFired = true
            body()
        }
    }

    /// Whether the timer came first.
    func finish() -> Bool {
        lock.withLock {
            isFinished = true
            return hasFired
        }
    }
}

/// A file that no directory knows.
private final class NamelessFile {
    let descriptor: CInt

    init() throws {
        let path = NSTemporaryDirectory() + "/cnit-" + UUID().uuidString
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Subprocess.Failure(description: "cannot make \(path): errno \(errno)") }
        unlink(path)
    }

    deinit { close(descriptor) }

    /// Writes everything and goes back to the start.
    func write(_ bytes: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress.map { $0 + start }, bytes.count - start, start)
            }
            guard count > 0 else { throw Subprocess.Failure(description: "cannot write input: errno \(errno)") }
            start += count
        }
    }

    func contents() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start, start)
            }
            guard count > 0 else { throw Subprocess.Failure(description: "cannot read output: errno \(errno)") }
            start += count
        }
        return bytes
    }
}
