public import LinuxSystem

/// How a plugin is called: its environment and what it reads from standard input.
public struct Execution: Sendable {
    public let environment: ProcessEnvironment
    public let input: [UInt8]

    public init(environment: ProcessEnvironment, input: [UInt8]) {
        self.environment = environment
        self.input = input
    }
}

/// What a process leaves behind: what it prints, and its exit status.
public struct Outcome: Equatable, Sendable {
    public let output: [UInt8]
    /// Text for people, on standard error.
    public let message: String
    public let status: Int32

    public init(output: [UInt8] = [], message: String = "", status: Int32 = 0) {
        self.output = output
        self.message = message
        self.status = status
    }
}
