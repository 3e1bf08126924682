public import CNI
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// Another plugin that a plugin calls in turn (specification, section 4), such as the one that `ipam.type` names.
///
/// It gets the same environment, but for the command, and the same standard input.
public struct Delegate {
    public let type: String
    private let execution: Execution
    private let runner: any ProgramRunner
    /// The version in which a result counts that names none.
    private let version: SpecificationVersion

    public init(
        _ type: String, execution: Execution, version: SpecificationVersion, runner: any ProgramRunner = SystemProgramRunner()
    ) {
        self.type = type
        self.execution = execution
        self.version = version
        self.runner = runner
    }

    /// Starts ADD and returns while it runs.
    public func startAdding() throws -> PendingAddition {
        PendingAddition(self, try start(.add))
    }

    /// Runs CHECK and waits for its end.
    public func check() throws { _ = try answer(start(.check), .check) }

    /// Runs DEL and waits for its end.
    public func delete() throws { _ = try answer(start(.delete), .delete) }

    /// Runs STATUS and waits for its end.
    public func status() throws { _ = try answer(start(.status), .status) }

    /// Runs GC and waits for its end.
    public func collectGarbage() throws { _ = try answer(start(.collectGarbage), .collectGarbage) }

    private func start(_ command: Command) throws -> any RunningProgram {
        let searchPath = execution.environment["CNI_PATH"] ?? ""
        guard let path = runner.find(type, in: searchPath.split(separator: ":").map(String.init)) else {
            throw CNIError(.delegateFailed, "failed to find plugin \(JSONValue.quoted(type)) in CNI_PATH \(JSONValue.quoted(searchPath))")
        }
        var environment = execution.environment
        environment["CNI_COMMAND"] = command.rawValue
        do throws(Errno) {
            return try runner.start(path, environment: environment, input: execution.input)
        } catch {
            throw CNIError(.delegateFailed, "cannot run \(path)", details: error.description)
        }
    }

    /// Waits for the end and returns what was printed; a failure is the delegate's own error where it printed one.
    fileprivate func answer(_ program: any RunningProgram, _ command: Command) throws(CNIError) -> [UInt8] {
        let (output, ending): ([UInt8], ChildProcess.Ending)
        do throws(Errno) {
            (output, ending) = try program.finish(outputLimit: inputLimit)
        } catch {
            throw CNIError(.delegateFailed, "\(type) printed too much on \(command.rawValue), or could not be waited for", details: error.description)
        }
        switch ending {
        case .exited(status: 0): return output
        case .exited(let status):
            if case .object(let object)? = try? JSONValue(parsing: output), let error = CNIError(object) { throw error }
            throw CNIError(
                .delegateFailed, "\(type) failed on \(command.rawValue) with exit status \(status) and no error of its own",
                details: summary(of: output))
        case .killed(let signal):
            throw CNIError(.delegateFailed, "\(type) was ended by signal \(signal) on \(command.rawValue)")
        }
    }

    fileprivate func result(_ output: [UInt8]) throws -> AttachmentResult {
        do {
            return try AttachmentResult(JSONField(try JSONValue(parsing: output)), version: version)
        } catch {
            throw CNIError(
                .delegateFailed, "\(type) answered ADD with something that is no result: \(error)", details: summary(of: output))
        }
    }

    /// The start of what a program printed, fit for a message.
    private func summary(of output: [UInt8]) -> String {
        output.isEmpty ? "it printed nothing" : "it printed " + JSONValue.quoted(String(decoding: output.prefix(256), as: UTF8.self))
    }
}

/// A delegate's ADD that is under way.
public final class PendingAddition {
    private let delegate: Delegate
    private let program: any RunningProgram
    private var isFinished = false

    fileprivate init(_ delegate: Delegate, _ program: any RunningProgram) {
        self.delegate = delegate
        self.program = program
    }

    /// Waits for the result. When the delegate failed, its DEL has run by the time this throws.
    public func result() throws -> AttachmentResult {
        isFinished = true
        do {
            return try delegate.result(try delegate.answer(program, .add))
        } catch {
            try? delegate.delete()
            throw error
        }
    }

    /// Takes back what the delegate did or is still doing.
    public func undo() throws {
        if !isFinished {
            isFinished = true
            _ = try? delegate.answer(program, .add)
        }
        try delegate.delete()
    }
}
