import JSON
import LinuxSystem
import SystemPackage

/// Plays all plugins of a test: remembers every call and answers as it was told.
final class FakePlugins: ProgramRunner {
    /// One call of a plugin.
    struct Call: Equatable {
        let plugin: String
        let command: String
        let environment: ProcessEnvironment
        let input: String

        /// Such as `ADD bridge`.
        var summary: String { "\(command) \(plugin)" }
    }

    /// How a plugin answers.
    enum Answer {
        case prints(String)
        case fails(code: Int, message: String)
        case exits(status: Int32, output: String)
        case dies(signal: Int32)
    }

    private(set) var calls: [Call] = []
    /// By `<command> <plugin>`; ADD answers an empty result and all else nothing where it is not told otherwise.
    var answers: [String: Answer] = [:]
    /// Plugins that cannot be found.
    var missing: Set<String> = []
    private(set) var searched: [String] = []

    var summaries: [String] { calls.map(\.summary) }

    func find(_ name: String, in folders: [String]) -> String? {
        searched = folders
        return missing.contains(name) ? nil : "/plugins/\(name)"
    }

    func start(
        _ path: String, environment: ProcessEnvironment, input: [UInt8]
    ) throws(Errno) -> any RunningProgram {
        let call = Call(
            plugin: String(path.dropFirst("/plugins/".count)), command: environment["CNI_COMMAND"] ?? "",
            environment: environment, input: String(decoding: input, as: UTF8.self))
        calls.append(call)
        return Program(answers[call.summary] ?? .prints(call.command == "ADD" ? "{}" : ""))
    }

    private final class Program: RunningProgram {
        private let answer: Answer

        init(_ answer: Answer) {
            self.answer = answer
        }

        func finish(outputLimit limit: Int) throws(Errno) -> (output: [UInt8], ending: ChildProcess.Ending) {
            switch answer {
            case .prints(let text): return (Array(text.utf8), .exited(status: 0))
            case .exits(let status, let text): return (Array(text.utf8), .exited(status: status))
            case .dies(let signal): return ([], .killed(signal: signal))
            case .fails(let code, let message):
                let error: JSONValue = ["code": .integer(Int64(code)), "msg": .string(message)]
                return (error.text(), .exited(status: 1))
            }
        }
    }
}
