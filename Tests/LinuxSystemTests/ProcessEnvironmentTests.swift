import Foundation
import LinuxSystem
import Testing

@Suite struct ProcessEnvironmentTests {
    @Test func `reads, replaces and removes`() {
        var environment = ProcessEnvironment(["A=1", "AB=2", "EMPTY=", "C=x=y", "odd"])
        #expect(environment["A"] == "1")
        #expect(environment["AB"] == "2")
        #expect(environment["EMPTY"] == "")
        #expect(environment["C"] == "x=y")
        #expect(environment["odd"] == nil)
        #expect(environment["a"] == nil)
        environment["A"] = "3"
        environment["C"] = nil
        environment["D"] = ""
        #expect(environment.entries == ["AB=2", "EMPTY=", "odd", "A=3", "D="])
    }

    /// A combining character joins the `=` before it into one Character of Swift.
    @Test(arguments: ["\u{301}x", "\u{200D}", "\n", "\r\n", "😀"]) func `a value may start with any character`(
        value: String
    ) {
        #expect(ProcessEnvironment(["A=\(value)"])["A"]?.utf8.elementsEqual(value.utf8) == true)
    }

    @Test func `of equal names the first counts, as for getenv`() {
        #expect(ProcessEnvironment(["A=1", "A=2"])["A"] == "1")
    }

    @Test func `knows this process's own`() {
        #expect(ProcessEnvironment.current["PATH"] == ProcessInfo.processInfo.environment["PATH"])
        #expect(ProcessEnvironment.current.entries.count >= ProcessInfo.processInfo.environment.count)
    }
}
