internal import CLinux
internal import Glibc
public import SystemPackage

/// A program that was started and whose output is read when it ends.
///
/// It inherits standard error, gets `input` as a file, so that neither side ever waits for the other, and starts
/// through vfork and execve, which costs 0.3 ms beyond the program itself, or through fork alone where it is in the file that
/// this process runs, as the plugins are.
public struct ChildProcess: ~Copyable {
    /// How a program ended.
    public enum Ending: Equatable, Sendable {
        case exited(status: Int32)
        case killed(signal: Int32)
    }

    private let identifier: pid_t
    private let output: OwnedDescriptor

    /// Starts the program at `path`, with SIGPIPE as it is by default: a parent that ignores it must not hand that on, as the
    /// child would not notice a closed pipe.
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

        identifier = try ChildProcess.start(
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

    private static func start(
        _ path: String, _ arguments: [String], _ environment: [String], input: CInt, output: CInt
    ) throws(Errno) -> pid_t {
        var identifier: pid_t = 0
        let failure = withCStrings(arguments) { arguments in
            withCStrings(environment) { CLinux_start(path, arguments, $0, input, output, &identifier) }
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
