import Foundation
import TestSupport
import Testing

/// The harness itself: a test that hangs, or mixes up outputs, is worse than none.
@Suite struct SubprocessTests {
    @Test func `passes megabytes through both ways`() throws {
        let input = [UInt8](repeating: 0x61, count: 5 << 20)
        let outcome = try Subprocess.run("/bin/sh", ["-c", "tee /dev/stderr"], input: input)
        #expect(outcome.isSuccess)
        #expect(outcome.output == input)
        #expect(outcome.errors == input)
    }

    @Test func `tells exit status and signal apart`() throws {
        #expect(try Subprocess.run("/bin/sh", ["-c", "exit 7"]).ending == .exited(status: 7))
        #expect(try Subprocess.run("/bin/sh", ["-c", "kill -SEGV $$"]).ending == .killed(signal: SIGSEGV))
    }

    @Test func `ends a program whose time is up, and what it started`() throws {
        let start = Date()
        let outcome = try Subprocess.run("/bin/sh", ["-c", "sleep 60 & echo $!; wait"], timeout: 0.3)
        #expect(outcome.ending == .timedOut)
        #expect(Date().timeIntervalSince(start) < 5)
        let grandchild = try #require(pid_t(outcome.outputText.trimmingCharacters(in: .newlines)))
        #expect(waitUntil(seconds: 5) { !isRunning(grandchild) })
    }

    /// A killed process may wait as a zombie for whoever is its parent now.
    private func isRunning(_ process: pid_t) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !status.contains(") Z ")
    }

    @Test func `does not wait for a grandchild that keeps the output open`() throws {
        let start = Date()
        let outcome = try Subprocess.run("/bin/sh", ["-c", "sleep 3 & echo done"])
        #expect(outcome.outputText == "done\n")
        #expect(Date().timeIntervalSince(start) < 2)
    }

    @Test func `gives exactly the environment that was asked for`() throws {
        let outcome = try Subprocess.run(
            "/usr/bin/env", [], environmentEntries: [Array("A=1".utf8), [0x42, 0x3D, 0xFF]])
        #expect(outcome.output == Array("A=1\nB=".utf8) + [0xFF, 0x0A])
    }

    @Test func `a program that is missing is an error`() {
        #expect(throws: Subprocess.Failure.self) { try Subprocess.run("/nonexistent", []) }
    }

    @Test(arguments: 0..<50) func `outputs of programs running at once are not mixed up`(number: Int) throws {
        #expect(try Subprocess.run("/bin/echo", ["\(number)"]).outputText == "\(number)\n")
    }
}
