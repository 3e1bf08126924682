import CNI
import CNIPlugin
import Foundation
import JSON
import LinuxSystem
import NetworkAddress
import SystemPackage
import TestSupport
import Testing

@Suite struct DelegateTests {
    private let execution = Execution.call(
        "ADD", #"{"cniVersion":"1.0.0","name":"net"}"#, ["CNI_PATH": "/a:/b", "CNI_ARGS": "A=1", "OTHER": "kept"])
    private let good = #"{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.5/16"}]}"#

    private func delegate(_ runner: FakeRunner) -> Delegate {
        Delegate("host-local", execution: execution, version: .v1_0_0, runner: runner)
    }

    private func exits(_ output: String, _ status: Int32 = 0) -> FakeRunner.Answer {
        .ends(output, .exited(status: status))
    }

    @Test func `gets the same environment but for the command, and the same input`() throws {
        let runner = FakeRunner([exits(good)])
        #expect(try delegate(runner).startAdding().result().ips.map(\.address.description) == ["10.1.0.5/16"])
        let delegate = delegate(runner)
        try delegate.check()
        try delegate.delete()
        try delegate.status()
        try delegate.collectGarbage()
        #expect(runner.commands == ["ADD", "CHECK", "DEL", "STATUS", "GC"])
        #expect(runner.searches.allSatisfy { $0 == "host-local in /a /b" })
        for start in runner.starts {
            #expect(start.path == "/bin/host-local")
            #expect(start.input == execution.input)
            var environment = start.environment
            environment["CNI_COMMAND"] = "ADD"
            #expect(Set(environment.entries) == Set(execution.environment.entries))
        }
    }

    @Test func `its CHECK runs while its caller checks, and both are waited for`() throws {
        struct Own: Error {}
        let broken = exits(#"{"code":100,"msg":"its own"}"#, 1)
        for (answer, isFailing, message) in [
            (exits(""), false, nil), (exits(""), true, "Own()"), (broken, false, "its own"), (broken, true, "its own"),
        ] {
            let runner = FakeRunner([answer])
            var failure: String?
            do {
                try Delegate.check(delegate(runner)) {
                    #expect(runner.commands == ["CHECK"] && runner.waits == 0)
                    if isFailing { throw Own() }
                }
            } catch {
                failure = "\(error)"
            }
            #expect(failure == message && runner.waits == 1)
        }
        var isDone = false
        try Delegate.check(nil) { isDone = true }
        #expect(isDone)
    }

    /// What a failing delegate does, and the error that comes of it.
    static let failures: [(FakeRunner.Answer, CNIError.Code, String)] = [
        (.ends(#"{"code":50,"msg":"full","details":"d"}"#, .exited(status: 1)), .notAvailable, "full: d"),
        (.ends("", .exited(status: 3)), .delegateFailed, "exit status 3 and no error of its own: it printed nothing"),
        (
            .ends("panic: no", .exited(status: 2)), .delegateFailed,
            "exit status 2 and no error of its own: it printed \"panic: no\""
        ),
        (.ends("{}", .exited(status: 1)), .delegateFailed, "it printed \"{}\""),
        (.ends("", .killed(signal: 11)), .delegateFailed, "host-local was ended by signal 11"),
        (.cannotBeRead(.fileTooLarge), .delegateFailed, "printed too much"),
        (.cannotStart(.permissionDenied), .delegateFailed, "cannot run /bin/host-local"),
    ]

    @Test(arguments: failures.indices) func `a failing delegate gives a clear error on every command`(row: Int) {
        let (answer, code, text) = DelegateTests.failures[row]
        let calls: [(Delegate) throws -> Void] = [
            { _ = try $0.startAdding().result() }, { try $0.check() }, { try $0.delete() }, { try $0.status() },
            { try $0.collectGarbage() },
        ]
        for call in calls {
            let error = #expect(throws: CNIError.self) { try call(delegate(FakeRunner([answer]))) }
            #expect(error?.code == code)
            #expect(error?.description.contains(text) == true, "\(error?.description ?? "")")
        }
    }

    @Test(arguments: [
        "", "garbage", "[]", #"{"ips":7}"#, #"{"cniVersion":"9.0.0"}"#, #"{"ips":[{"address":"10.1.0.5"}]}"#,
        #"{"cniVersion":"1.0.0"} {}"#,
    ])
    func `an answer to ADD that is no result is an error, and DEL runs`(output: String) {
        let runner = FakeRunner([exits(output)])
        let error = #expect(throws: CNIError.self) { try delegate(runner).startAdding().result() }
        #expect(error?.code == .delegateFailed)
        #expect(error?.message.contains("host-local answered ADD with something that is no result") == true)
        #expect(runner.commands == ["ADD", "DEL"])
    }

    @Test func `what other commands print does not matter when they succeed`() throws {
        for call in [{ try $0.check() }, { try $0.delete() }, { try $0.status() }] as [(Delegate) throws -> Void] {
            try call(delegate(FakeRunner([exits("garbage")])))
        }
    }

    @Test func `after a failed ADD its DEL runs, and the error of ADD is told even where DEL fails too`() {
        let runner = FakeRunner([exits(#"{"code":50,"msg":"full"}"#, 1), exits(#"{"code":5,"msg":"other"}"#, 1)])
        let error = #expect(throws: CNIError.self) { try delegate(runner).startAdding().result() }
        #expect(error == CNIError(.notAvailable, "full"))
        #expect(runner.commands == ["ADD", "DEL"])
    }

    @Test func `a missing plugin is named with where it was looked for, and nothing is started`() {
        let runner = FakeRunner([])
        runner.isFound = false
        let error = #expect(throws: CNIError.self) { try delegate(runner).startAdding() }
        #expect(error?.code == .delegateFailed)
        #expect(error?.message == #"failed to find plugin "host-local" in CNI_PATH "/a:/b""#)
        #expect(runner.commands.isEmpty)
    }

    // MARK: Taking back

    @Test func `undo while ADD runs waits for it, then runs DEL`() throws {
        let runner = FakeRunner([exits(good)])
        try delegate(runner).startAdding().undo()
        #expect(runner.commands == ["ADD", "DEL"])
        #expect(runner.waits == 2)
    }

    @Test func `undo after the result runs DEL once`() throws {
        let runner = FakeRunner([exits(good)])
        let addition = try delegate(runner).startAdding()
        _ = try addition.result()
        try addition.undo()
        #expect(runner.commands == ["ADD", "DEL"])
        #expect(runner.waits == 2)
    }

    @Test func `undo of an ADD that fails meanwhile runs DEL`() throws {
        let runner = FakeRunner([exits("", 1)])
        try delegate(runner).startAdding().undo()
        #expect(runner.commands == ["ADD", "DEL"])
    }

    @Test func `undo tells when DEL fails`() throws {
        let runner = FakeRunner([exits(good), exits(#"{"code":5,"msg":"stuck"}"#, 1)])
        let error = #expect(throws: CNIError.self) { try delegate(runner).startAdding().undo() }
        #expect(error == CNIError(.inputOutput, "stuck"))
    }
}

/// The same with programs that really run.
@Suite struct DelegateProcessTests {
    private let folder: ScriptFolder

    init() throws { folder = try ScriptFolder() }

    private func delegate(_ name: String, path: String? = nil) -> Delegate {
        let execution = Execution.call(
            "ADD", #"{"name":"net"}"#,
            ["CNI_PATH": path ?? "/nonexistent::\(folder.path)", "PATH": "/usr/bin:/bin", "LOG": folder.path + "/log"])
        return Delegate(name, execution: execution, version: .v1_0_0)
    }

    @Test func `passes environment and input on and reads the result`() throws {
        try folder.write(
            "ipam",
            "cat >>$LOG; echo \" $CNI_COMMAND $CNI_IFNAME\" >>$LOG; echo '{\"ips\":[{\"address\":\"10.1.0.5/16\"}]}'")
        let addition = try delegate("ipam").startAdding()
        #expect(try addition.result().ips.count == 1)
        try addition.undo()
        #expect(try folder.read("log") == "{\"name\":\"net\"} ADD eth0\n{\"name\":\"net\"} DEL eth0\n")
    }

    @Test func `a signal is told`() throws {
        try folder.write("ipam", "kill -KILL $$")
        let error = #expect(throws: CNIError.self) { try delegate("ipam").check() }
        #expect(error?.message == "ipam was ended by signal 9 on CHECK")
    }

    @Test func `output without end is cut off and the program ended`() throws {
        try folder.write("ipam", "exec yes")
        let error = #expect(throws: CNIError.self) { try delegate("ipam").check() }
        #expect(error?.message.contains("printed too much") == true)
    }

    @Test func `a delegate that does not read its input is no error`() throws {
        try folder.write("ipam", "exit 0")
        try delegate("ipam").delete()
    }

    @Test func `what is not executable, or a folder, is not found`() throws {
        try folder.write("plain", "exit 0", mode: 0o644)
        try FileManager.default.createDirectory(atPath: folder.path + "/directory", withIntermediateDirectories: false)
        for name in ["plain", "directory", "missing"] {
            let error = #expect(throws: CNIError.self) { try delegate(name).check() }
            #expect(error?.message.hasPrefix("failed to find plugin \"\(name)\"") == true)
        }
    }

    @Test func `a file that is no program says why it cannot run`() throws {
        try folder.write("broken", "", contents: "no program")
        let error = #expect(throws: CNIError.self) { try delegate("broken").check() }
        #expect(error?.message == "cannot run \(folder.path)/broken")
        #expect(error?.details.isEmpty == false)
    }

    @Test func `without CNI_PATH nothing is found`() {
        let error = #expect(throws: CNIError.self) { try delegate("sh", path: "").check() }
        #expect(error?.code == .delegateFailed)
    }
}
