public import SystemPackage

/// Finds and starts other programs: the kernel in a plugin, a script in a test.
public protocol ProgramRunner {
    /// The path of the first executable of that name in the folders; nil when there is none.
    func find(_ name: String, in folders: [String]) -> String?

    func start(_ path: String, environment: ProcessEnvironment, input: [UInt8]) throws(Errno) -> any RunningProgram
}

/// A program that was started. ``finish(outputLimit:)`` is called once.
public protocol RunningProgram: AnyObject {
    /// Waits for the end; more output than `limit` bytes is `EFBIG`.
    func finish(outputLimit limit: Int) throws(Errno) -> (output: [UInt8], ending: ChildProcess.Ending)
}

/// Starts programs of this machine.
public struct SystemProgramRunner: ProgramRunner {
    public init() {}

    public func find(_ name: String, in folders: [String]) -> String? {
        folders.map { $0 + "/" + name }.first(where: isExecutableFile)
    }

    public func start(
        _ path: String, environment: ProcessEnvironment, input: [UInt8]
    ) throws(Errno) -> any RunningProgram {
        Running(try ChildProcess(path: path, environment: environment, input: input))
    }

    private final class Running: RunningProgram {
        private var process: ChildProcess?

        init(_ process: consuming ChildProcess) {
            self.process = consume process
        }

        func finish(outputLimit limit: Int) throws(Errno) -> (output: [UInt8], ending: ChildProcess.Ending) {
            guard let process = process.take() else { throw .invalidArgument }
            return try process.finish(outputLimit: limit)
        }
    }
}
