public import LinuxSystem
public import SystemPackage

/// Delegates that answer by a script. Records the calls, and keeps leases as an IPAM plugin would: one from ADD, even
/// one that fails after it, until DEL.
public final class FakePrograms: ProgramRunner {
    /// What a delegate does when it is called.
    public enum Answer: Sendable {
        case prints(String)
        case fails(status: Int32, String)
        case isKilled(signal: Int32)
        case cannotStart(Errno)
        case printsTooMuch
    }

    /// One call of a delegate.
    public struct Call: Equatable {
        public let command: String
        public let type: String
        public let containerID: String
        public let environment: ProcessEnvironment
        public let input: [UInt8]
    }

    /// The names of the plugins there are.
    public var installed: Set<String> = ["fake-ipam"]
    /// By command; one that is not here succeeds without a word.
    public var answers: [String: Answer] = [:]
    /// By container id, then by command, for calls that are not to be answered like all others: these count more than
    /// ``answers``.
    public var answersForContainers: [String: [String: Answer]] = [:]
    public private(set) var calls: [Call] = []
    /// The container ids that hold addresses.
    public private(set) var leases: Set<String> = []

    public init() {}

    public var commands: [String] { calls.map(\.command) }

    public func clear() { calls = [] }

    public func find(_ name: String, in folders: [String]) -> String? {
        installed.contains(name) ? "/opt/cni/bin/\(name)" : nil
    }

    public func start(
        _ path: String, environment: ProcessEnvironment, input: [UInt8]
    ) throws(Errno) -> any RunningProgram {
        let command = environment["CNI_COMMAND"] ?? ""
        let containerID = environment["CNI_CONTAINERID"] ?? ""
        let type = path.split(separator: "/").last.map(String.init) ?? ""
        calls.append(
            Call(command: command, type: type, containerID: containerID, environment: environment, input: input))
        let answer = answersForContainers[containerID]?[command] ?? answers[command] ?? .prints("")
        if case .cannotStart(let errno) = answer { throw errno }
        if command == "ADD" { leases.insert(containerID) }
        if command == "DEL", case .prints = answer { leases.remove(containerID) }
        return Running(answer)
    }

    private final class Running: RunningProgram {
        private let answer: Answer

        init(_ answer: Answer) { self.answer = answer }

        func finish(outputLimit limit: Int) throws(Errno) -> (output: [UInt8], ending: ChildProcess.Ending) {
            switch answer {
            case .prints(let text): return (Array(text.utf8), .exited(status: 0))
            case .fails(let status, let text): return (Array(text.utf8), .exited(status: status))
            case .isKilled(let signal): return ([], .killed(signal: signal))
            case .cannotStart(let errno): throw errno
            case .printsTooMuch: throw .fileTooLarge
            }
        }
    }
}
