internal import CLinux
internal import Glibc
public import SystemPackage

/// A program that was started and whose output is read when it ends.
///
/// It inherits standard error, gets `input` as a file, so that neither side ever waits for the other, and starts
/// through vfork, which costs 0.3 ms beyond the program itself.
public struct ChildProcess: ~Copyable {
    /// How a program ended.
    public enum Ending: Equatable, Sendable {
        case exited(status: Int32)
        case killed(signal: Int32)
    }

    private let identifier: pid_t
    private let output: OwnedDescriptor

    /// Starts the program at `path` (posix_spawn(3)).
    public init(
        path: String, arguments: [String] = [], environment: ProcessEnvironment, input: [UInt8]
    ) throws(Errno) {
        let inputFile = OwnedDescriptor(adopting: try succeeding { CLinux_memoryFile("input") })
        try inputFile.writeAll(input)
        try succeeding { lseek(inputFile.number, 0, SEEK_SET) }
        var ends: [CInt] = [0, 0]
        try succeeding { CLinux_pipe(&ends) }
        let reading = OwnedDescriptor(adopting: ends[0])
        let writing = OwnedDescriptor(adopting: ends[1])

        identifier = try ChildProcess.spawn(
            path, [path] + arguments, environment.entries, input: inputFile.number, output: writing.number)
        output = reading
    }

    /// Waits for the end; more than `limit` bytes of output are `EFBIG`, after the program was killed.
    public consuming func finish(outputLimit limit: Int) throws(Errno) -> (output: [UInt8], ending: Ending) {
        let result: Result<[UInt8], Errno>
        do { result = .success(try output.readAll(limit: limit)) } catch { result = .failure(error) }
        if case .failure = result { kill(identifier, SIGKILL) }
        var status: CInt = 0
        try succeeding { waitpid(identifier, &status, 0) }
        return (
            try result.get(), status & 0x7F == 0 ? .exited(status: status >> 8 & 0xFF) : .killed(signal: status & 0x7F)
        )
    }

    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String], input: CInt, output: CInt
    ) throws(Errno) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        // A parent that ignores SIGPIPE must not hand that on: the child would not notice a closed pipe.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

        var identifier: pid_t = 0
        let failure = withCStrings(arguments) { arguments in
            withCStrings(environment) { posix_spawn(&identifier, path, &actions, &attributes, arguments, $0) }
        }
        if failure != 0 { throw Errno(rawValue: failure) }
        return identifier
    }
}

/// Whether there is a regular file at `path` that this process may execute.
public func isExecutableFile(_ path: String) -> Bool {
    var file = stat()
    return stat(path, &file) == 0 && file.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
}
