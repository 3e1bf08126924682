internal import Foundation
public import JSON

/// A named network namespace of a ``Lab``.
public struct LabNamespace: Sendable, CustomStringConvertible {
    static let folder = "/run/netns"

    public let name: String

    /// The file by which a runtime names the namespace (CNI_NETNS).
    public var path: String { LabNamespace.folder + "/" + name }
    public var description: String { name }

    /// `ip netns add`
    func create() throws {
        try LabNamespace.require(try LabNamespace.runIP(["netns", "add", name]), "ip netns add \(name)")
    }

    /// `ip netns delete`; no error where it is gone. A test may do so early, as a runtime does that removes the
    /// namespace before it calls DEL.
    public func remove() {
        _ = try? LabNamespace.runIP(["netns", "delete", name])
    }

    /// Runs a program inside, found on the search path of the system.
    public func run(
        _ program: String, _ arguments: [String] = [], input: [UInt8] = [], timeout: Double = 30
    ) throws -> Subprocess.Outcome {
        try LabNamespace.runIP(["netns", "exec", name, program] + arguments, input: input, timeout: timeout)
    }

    /// Runs a line of shell inside, which must succeed, and returns what it printed.
    @discardableResult
    public func shell(_ line: String, timeout: Double = 30) throws -> String {
        let outcome = try run("sh", ["-c", line], timeout: timeout)
        try LabNamespace.require(outcome, line)
        return outcome.outputText
    }

    /// `ip …` inside, which must succeed; returns what it printed.
    @discardableResult
    public func ip(_ arguments: String...) throws -> String { try ip(arguments) }

    @discardableResult
    func ip(_ arguments: [String]) throws -> String {
        let outcome = try LabNamespace.runIP(["-n", name] + arguments)
        try LabNamespace.require(outcome, "ip \(arguments.joined(separator: " "))")
        return outcome.outputText
    }

    /// What a program prints as JSON, such as `nft -j list ruleset`; an empty list where it prints nothing.
    public func json(_ program: String, _ arguments: String...) throws -> JSONValue {
        let outcome = try run(program, arguments)
        try LabNamespace.require(outcome, "\(program) \(arguments.joined(separator: " "))")
        let isBlank = outcome.output.allSatisfy { $0 == 0x20 || $0 == 0x0A }
        return isBlank ? [] : try JSONValue(parsing: outcome.output)
    }

    private static func runIP(
        _ arguments: [String], input: [UInt8] = [], timeout: Double = 30
    ) throws -> Subprocess.Outcome {
        guard let program = Subprocess.find("ip") else {
            throw Subprocess.Failure(description: "there is no program ip")
        }
        return try Subprocess.run(program, arguments, environment: systemEnvironment, input: input, timeout: timeout)
    }

    static let systemEnvironment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"]

    static func require(_ outcome: Subprocess.Outcome, _ what: String) throws {
        if !outcome.isSuccess { throw Subprocess.Failure(description: "\(what): \(outcome)") }
    }
}
