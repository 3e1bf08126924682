public import CNI
internal import CNIExecution
public import LinuxSystem

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
        _ type: String, execution: Execution, version: SpecificationVersion,
        runner: any ProgramRunner = SystemProgramRunner()
    ) {
        self.type = type
        self.execution = execution
        self.version = version
        self.runner = runner
    }

    /// The plugin that `ipam.type` names; nil where it names none: layer 2 only.
    public static func ipam(
        _ configuration: RequestConfiguration, _ execution: Execution,
        _ runner: any ProgramRunner = SystemProgramRunner()
    ) -> Delegate? {
        configuration.ipamType.map {
            Delegate($0, execution: execution, version: configuration.version, runner: runner)
        }
    }

    /// Does `body`, and runs CHECK of the delegate meanwhile where there is one.
    public static func check(_ delegate: Delegate?, while body: () throws -> Void) throws {
        guard let delegate else { return try body() }
        try delegate.check(while: body)
    }

    /// Starts ADD and returns while it runs.
    public func startAdding() throws -> PendingAddition {
        PendingAddition(self, try start(.add))
    }

    /// Runs CHECK, and `body` meanwhile; waits for both. The delegate's error comes first.
    public func check(while body: () throws -> Void = {}) throws {
        let call = try start(.check)
        let own = Result { try body() }
        try call.finish()
        try own.get()
    }

    /// Runs DEL and waits for its end.
    public func delete() throws { try start(.delete).finish() }

    /// Runs STATUS and waits for its end.
    public func status() throws { try start(.status).finish() }

    /// Runs GC and waits for its end.
    public func collectGarbage() throws { try start(.collectGarbage).finish() }

    private func start(_ command: Command) throws(CNIError) -> PluginCall {
        let folders = (execution.environment["CNI_PATH"] ?? "").split(separator: ":").map(String.init)
        return try PluginCall(
            type, command, in: folders, environment: execution.environment, input: execution.input, runner: runner)
    }

    fileprivate func result(of call: PluginCall) throws(CNIError) -> AttachmentResult {
        try call.result(version: version).value
    }
}

/// A delegate's ADD that is under way.
public final class PendingAddition {
    private enum State { case running, finished, undone }

    private let delegate: Delegate
    private let call: PluginCall
    private var state = State.running

    fileprivate init(_ delegate: Delegate, _ call: PluginCall) {
        self.delegate = delegate
        self.call = call
    }

    /// Waits for the result. When the delegate failed, its DEL has run by the time this throws.
    public func result() throws -> AttachmentResult {
        state = .finished
        do {
            return try delegate.result(of: call)
        } catch {
            // What it could not take back must not hide why it had to.
            do { try undo() } catch {
                StandardStreams.writeError("rollback: DEL of \(delegate.type): \(error)\n")
            }
            throw error
        }
    }

    /// Takes back what the delegate did or is still doing, once.
    public func undo() throws {
        if state == .undone { return }
        if state == .running { _ = try? call.finish() }
        state = .undone
        try delegate.delete()
    }
}
