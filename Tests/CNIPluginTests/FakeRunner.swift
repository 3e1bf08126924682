import CNIPlugin
import LinuxSystem
import SystemPackage

/// Answers for programs without running any, one answer a start, and writes down what was started.
final class FakeRunner: ProgramRunner {
    enum Answer {
        case ends(String, ChildProcess.Ending)
        case cannotStart(Errno)
        case cannotBeRead(Errno)
    }

    var answers: [Answer]
    var isFound = true
    private(set) var searches: [String] = []
    private(set) var starts: [(path: String, environment: ProcessEnvironment, input: [UInt8])] = []
    private(set) var waits = 0

    /// The commands of what was started.
    var commands: [String] { starts.map { $0.environment["CNI_COMMAND"] ?? "" } }

    init(_ answers: [Answer]) {
        self.answers = answers
    }

    func find(_ name: String, in folders: [String]) -> String? {
        searches.append("\(name) in \(folders.joined(separator: " "))")
        return isFound ? "/bin/" + name : nil
    }

    func start(_ path: String, environment: ProcessEnvironment, input: [UInt8]) throws(Errno) -> any RunningProgram {
        starts.append((path, environment, input))
        let answer = answers.isEmpty ? .ends("", .exited(status: 0)) : answers.removeFirst()
        if case .cannotStart(let failure) = answer { throw failure }
        return Program(self, answer)
    }

    private final class Program: RunningProgram {
        private let runner: FakeRunner
        private let answer: Answer

        init(_ runner: FakeRunner, _ answer: Answer) {
            self.runner = runner
            self.answer = answer
        }

        func finish(outputLimit limit: Int) throws(Errno) -> (output: [UInt8], ending: ChildProcess.Ending) {
            runner.waits += 1
            switch answer {
            case .ends(let output, let ending): return (Array(output.utf8), ending)
            case .cannotStart(let failure), .cannotBeRead(let failure): throw failure
            }
        }
    }
}
