public import CNI
internal import JSON
public import LinuxSystem
internal import SystemPackage

/// One call of a plugin (specification, sections 2 and 4), whoever makes it: a runtime, or a plugin that delegates.
///
/// The plugin runs from ``init(_:_:in:environment:input:runner:)`` on; ``finish()`` or ``result(version:)``, called
/// once, waits for its answer.
public struct PluginCall {
    /// The plugin's name, as in the key `type`.
    public let type: String
    public let command: Command
    private let program: any RunningProgram

    /// The most that a plugin may print, in bytes.
    public static let outputLimit = 8 << 20

    /// Finds the plugin and starts it.
    ///
    /// - Parameters:
    ///   - folders: where plugins are looked for, first match first.
    ///   - environment: all variables but CNI_COMMAND, which is set here.
    ///   - input: the network configuration, for the plugin's standard input.
    /// - Throws: ``CNIError`` with code 101 when there is no such plugin or it cannot be run.
    public init(
        _ type: String, _ command: Command, in folders: [String], environment: ProcessEnvironment, input: [UInt8],
        runner: any ProgramRunner = SystemProgramRunner()
    ) throws(CNIError) {
        self.type = type
        self.command = command
        guard let path = runner.find(type, in: folders) else {
            let searched = JSONValue.quoted(folders.joined(separator: ":"))
            throw CNIError(
                .delegateFailed, "failed to find plugin \(JSONValue.quoted(type)) in CNI_PATH \(searched)",
                details: "install it there, or add its folder to CNI_PATH")
        }
        var environment = environment
        environment["CNI_COMMAND"] = command.rawValue
        do throws(Errno) {
            program = try runner.start(path, environment: environment, input: input)
        } catch {
            throw CNIError(.delegateFailed, "cannot run \(path)", details: error.description)
        }
    }

    /// Waits for the end and returns what was printed; a failure is the plugin's own error where it printed one.
    @discardableResult
    public func finish() throws(CNIError) -> [UInt8] {
        let (output, ending): ([UInt8], ChildProcess.Ending)
        do throws(Errno) {
            (output, ending) = try program.finish(outputLimit: PluginCall.outputLimit)
        } catch .fileTooLarge {
            throw CNIError(
                .delegateFailed, "\(type) printed too much on \(command.rawValue)",
                details: "more than \(PluginCall.outputLimit) bytes")
        } catch {
            throw CNIError(.delegateFailed, "\(type) could not be waited for", details: error.description)
        }
        switch ending {
        case .exited(status: 0): return output
        case .exited(let status):
            if case .object(let object)? = try? JSONValue(parsing: output), let error = CNIError(object) { throw error }
            throw CNIError(
                .delegateFailed,
                "\(type) failed on \(command.rawValue) with exit status \(status) and no error of its own",
                details: PluginCall.summary(of: output))
        case .killed(let signal):
            throw CNIError(.delegateFailed, "\(type) was ended by signal \(signal) on \(command.rawValue)")
        }
    }

    /// Waits for the end of ADD and returns the result.
    ///
    /// - Parameter version: counts where the result names none.
    public func result(version: SpecificationVersion) throws(CNIError) -> PluginResult {
        try answer("result") { json in try PluginResult(json, version: version) }
    }

    /// Waits for the end of VERSION and returns the answer.
    public func versions() throws(CNIError) -> VersionInfo {
        try answer("list of versions") { json in
            let field = JSONField(json)
            guard try field.object() != nil else { throw field.error(expected: "an object") }
            return try VersionInfo(field)
        }
    }

    /// Waits for the end and reads what was printed.
    private func answer<Answer>(_ expected: String, _ read: (JSONValue) throws -> Answer) throws(CNIError) -> Answer {
        let output = try finish()
        do {
            return try read(try JSONValue(parsing: output))
        } catch {
            throw CNIError(
                .delegateFailed, "\(type) answered \(command.rawValue) with something that is no \(expected): \(error)",
                details: PluginCall.summary(of: output))
        }
    }

    /// The start of what a program printed, fit for a message.
    private static func summary(of output: [UInt8]) -> String {
        output.isEmpty
            ? "it printed nothing"
            : "it printed " + JSONValue.quoted(String(decoding: output.prefix(256), as: UTF8.self))
    }
}
