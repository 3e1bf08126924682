import Foundation
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct ChildProcessTests {
    private func run(
        _ line: String, input: [UInt8] = [], environment: [String] = ["PATH=/usr/bin:/bin"], limit: Int = 16 << 20
    ) throws -> (output: [UInt8], ending: ChildProcess.Ending) {
        let process = try ChildProcess(
            path: "/bin/sh", arguments: ["-c", line], environment: ProcessEnvironment(environment), input: input)
        return try process.finish(outputLimit: limit)
    }

    @Test(.timeLimit(.minutes(1))) func `large input and output do not wait for each other`() throws {
        let input = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0) }
        let (output, ending) = try run("cat", input: input)
        #expect(ending == .exited(status: 0))
        #expect(output == input)
    }

    @Test(arguments: [0, 1, 77, 255] as [Int32]) func `tells the exit status`(status: Int32) throws {
        #expect(try run("exit \(status)").ending == .exited(status: status))
    }

    @Test(arguments: [SIGKILL, SIGSEGV, SIGPIPE]) func `tells the signal`(signal: CInt) throws {
        #expect(try run("kill -\(signal) $$").ending == .killed(signal: signal))
    }

    @Test(.timeLimit(.minutes(1))) func `more output than the limit is an error, and the program ends`() throws {
        #expect(throws: Errno.fileTooLarge) { try run("exec yes", limit: 10_000) }
        #expect(try run("printf 12345", limit: 5).output == Array("12345".utf8))
        #expect(throws: Errno.fileTooLarge) { try run("printf 123456", limit: 5) }
    }

    /// Plugins ignore SIGPIPE themselves. What they start must not: bit 13 of the ignored signals is clear.
    @Test func `the child does not ignore SIGPIPE, whatever this process does`() throws {
        let before = signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, before) }
        let status = try String(decoding: run("exec cat /proc/self/status").output, as: UTF8.self)
        let mask = try #require(
            status.split(separator: "\n").first { $0.hasPrefix("SigIgn:") }?.split(separator: "\t").last)
        #expect(try #require(UInt64(mask, radix: 16)) & 1 << 12 == 0)
    }

    @Test func `has exactly the environment given, and none of our descriptors`() throws {
        let folder = try ScriptFolder()
        let directory = try Directory(folder.path)
        let (output, _) = try run(
            "echo $A-$HOME-$0; ls -l /proc/self/fd", environment: ["PATH=/usr/bin:/bin", "A=ä 1"])
        let text = String(decoding: output, as: UTF8.self)
        #expect(text.hasPrefix("ä 1--/bin/sh\n"))
        #expect(text.contains("0 -> ") && !text.contains(folder.path))
        #expect(try directory.names() == [])
    }

    @Test func `a program that is missing or may not run is an error at once`() throws {
        #expect(throws: Errno.noSuchFileOrDirectory) {
            _ = try ChildProcess(path: "/nonexistent", environment: .init([]), input: [])
        }
        #expect(throws: Errno.permissionDenied) {
            _ = try ChildProcess(path: "/etc/passwd", environment: .init([]), input: [])
        }
    }

    @Test func `knows executable files`() throws {
        let folder = try ScriptFolder()
        try folder.write("a", "")
        try folder.write("b", "", mode: 0o644)
        #expect(isExecutableFile(folder.path + "/a"))
        #expect(!isExecutableFile(folder.path + "/b"))
        #expect(!isExecutableFile(folder.path))
        #expect(!isExecutableFile(folder.path + "/c"))
    }
}
