import CNI
import CNIRuntime
import Foundation
import JSON
import Testing

/// Failures at each place of a chain of three plugins.
@Suite struct FailureTests {
    private static let names = ["a", "b", "c"]

    private static let failures: [(FakePlugins.Answer, String)] = [
        (.fails(code: 11, message: "no addresses left"), "no addresses left (code 11)"),
        (
            .exits(status: 3, output: "oops"),
            "P failed on ADD with exit status 3 and no error of its own: it printed \"oops\" (code 101)"
        ),
        (.dies(signal: 9), "P was ended by signal 9 on ADD (code 101)"),
        (
            .prints("garbage"),
            "P answered ADD with something that is no result: expected JSON, found '[' or '{' expected near 'garbage' (line 1, column 7): it printed \"garbage\" (code 101)"
        ),
        (
            .prints(""),
            "P answered ADD with something that is no result: expected JSON, found no input: it printed nothing (code 101)"
        ),
        (
            .prints("[]"),
            "P answered ADD with something that is no result: expected an object, found an array: it printed \"[]\" (code 101)"
        ),
        (
            .prints(#"{"cniVersion": "9.0.0"}"#),
            "P answered ADD with something that is no result: a result of version \"9.0.0\" cannot be read: it printed \"{\"cniVersion\": \"9.0.0\"}\" (code 101)"
        ),
    ]

    @Test(arguments: 0..<3, failures.indices)
    func `a failed ADD is taken back from where it stopped`(position: Int, kind: Int) throws {
        let bench = try Bench()
        let (answer, message) = FailureTests.failures[kind]
        let plugin = FailureTests.names[position]
        for name in FailureTests.names {
            bench.plugins.answers["ADD \(name)"] = .prints(#"{"cniVersion":"1.1.0","from":"\#(name)"}"#)
        }
        bench.plugins.answers["ADD \(plugin)"] = answer
        let error = #expect(throws: RuntimeError.self) { try bench.runtime.add(Bench.web, to: try Bench.chain()) }
        #expect(
            error?.description
                == "ADD by plugin \(plugin) failed: \(message.replacing("P ", with: "\(plugin) ", maxReplacements: message.hasPrefix("P ") ? 1 : 0))"
        )

        let called = FailureTests.names[...position]
        #expect(bench.plugins.summaries == called.map { "ADD \($0)" } + called.reversed().map { "DEL \($0)" })
        // The plugins that are taken back get the last good result, as far as there is one.
        let last = position == 0 ? nil : FailureTests.names[position - 1]
        for call in bench.plugins.calls where call.command == "DEL" {
            #expect(
                call.input.contains(#""prevResult":{"cniVersion":"1.1.0","from":"\#(last ?? "")"}"#) == (last != nil))
            #expect(call.input.contains("prevResult") == (last != nil))
        }
        #expect(bench.folder.names(in: "results") == [])
        #expect(bench.warnings == [])
    }

    @Test(arguments: 0..<3)
    func `a plugin that cannot be found was never called`(position: Int) throws {
        let bench = try Bench()
        bench.plugins.missing = [FailureTests.names[position]]
        let error = #expect(throws: RuntimeError.self) { try bench.runtime.add(Bench.web, to: try Bench.chain()) }
        #expect(
            error?.description.hasPrefix(
                "ADD by plugin \(FailureTests.names[position]) failed: failed to find plugin \"\(FailureTests.names[position])\" in CNI_PATH \"/a:/b\""
            ) == true)
        let called = FailureTests.names[..<position]
        #expect(bench.plugins.summaries == called.map { "ADD \($0)" } + called.reversed().map { "DEL \($0)" })
        #expect(bench.warnings == [])
    }

    @Test func `what fails while taking back is a warning, and the first error is thrown`() throws {
        let bench = try Bench()
        bench.plugins.answers = [
            "ADD c": .fails(code: 100, message: "first"), "DEL c": .fails(code: 100, message: "second"),
            "DEL a": .dies(signal: 15),
        ]
        let error = #expect(throws: RuntimeError.self) { try bench.runtime.add(Bench.web, to: try Bench.chain()) }
        #expect(error?.description == "ADD by plugin c failed: first (code 100)")
        #expect(bench.plugins.summaries == ["ADD a", "ADD b", "ADD c", "DEL c", "DEL b", "DEL a"])
        #expect(
            bench.warnings == [
                "taking back the unfinished ADD: DEL by plugin c failed: second (code 100)",
                "taking back the unfinished ADD: DEL by plugin a failed: a was ended by signal 15 on DEL (code 101)",
            ])
    }

    @Test func `an ADD that cannot be remembered is taken back`() throws {
        let bench = try Bench()
        try bench.folder.write("a file where the folder should be", to: "results")
        let early = #expect(throws: RuntimeError.self) { try bench.runtime.add(Bench.web, to: try Bench.chain()) }
        #expect(early?.description == "result cache: \(bench.folder.path)/results/blue-web1-eth0: Not a directory")
        #expect(bench.plugins.calls == [])

        try FileManager.default.removeItem(atPath: "\(bench.folder.path)/results")
        // A name that a file can have, but not the temporary file beside it: the plugins have run when this shows.
        let long = AttachmentParameters(containerID: String(repeating: "x", count: 243), sandboxPath: "/x")
        let error = #expect(throws: RuntimeError.self) { try bench.runtime.add(long, to: try Bench.chain()) }
        #expect(error?.description.hasSuffix(": File name too long") == true)
        #expect(bench.plugins.summaries == ["ADD a", "ADD b", "ADD c", "DEL c", "DEL b", "DEL a"])
        #expect(bench.folder.names(in: "results") == [])
    }

    @Test func `a second ADD is refused, and the first one stays`() throws {
        let bench = try Bench()
        let list = try Bench.chain()
        _ = try bench.runtime.add(Bench.web, to: list)
        #expect(throws: RuntimeError.alreadyAttached(Bench.webAttachment)) {
            try bench.runtime.add(Bench.web, to: list)
        }
        #expect(bench.plugins.summaries == ["ADD a", "ADD b", "ADD c"])
        #expect(bench.folder.names(in: "results") == ["blue-web1-eth0"])
    }

    @Test(arguments: 0..<3)
    func `CHECK stops at the first failure`(position: Int) throws {
        let bench = try Bench()
        let list = try Bench.chain()
        _ = try bench.runtime.add(Bench.web, to: list)
        let plugin = FailureTests.names[position]
        bench.plugins.answers["CHECK \(plugin)"] = .fails(code: 999, message: "eth0 is gone")
        #expect(
            throws: RuntimeError.pluginFailed(
                type: plugin, command: .check, error: CNIError(CNIError.Code(rawValue: 999), "eth0 is gone"))
        ) { try bench.runtime.check(Bench.web, on: list) }
        #expect(bench.plugins.summaries.dropFirst(3) == FailureTests.names[...position].map { "CHECK \($0)" }[...])
    }

    @Test func `CHECK of what was never added is refused`() throws {
        let bench = try Bench()
        #expect(throws: RuntimeError.notAttached(Bench.webAttachment)) {
            try bench.runtime.check(Bench.web, on: try Bench.chain())
        }
        #expect(bench.plugins.calls == [])
    }

    @Test(arguments: [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]])
    func `DEL runs the whole chain, lists all failures and keeps the entry until it succeeds`(positions: [Int]) throws {
        let bench = try Bench()
        let list = try Bench.chain()
        _ = try bench.runtime.add(Bench.web, to: list)
        for position in positions {
            bench.plugins.answers["DEL \(FailureTests.names[position])"] = .fails(code: 5, message: "no")
        }
        let error = #expect(throws: RuntimeError.self) { try bench.runtime.delete(Bench.web, from: list) }
        #expect(
            error?.description
                == positions.reversed().map { "DEL by plugin \(FailureTests.names[$0]) failed: no (code 5)" }.joined(
                    separator: "; "))
        #expect(bench.plugins.summaries.dropFirst(3) == ["DEL c", "DEL b", "DEL a"])
        #expect(bench.folder.names(in: "results") == ["blue-web1-eth0"])

        bench.plugins.answers = [:]
        try bench.runtime.delete(Bench.web, from: list)
        #expect(bench.folder.names(in: "results") == [])
    }

    @Test func `DEL of what was never added runs the chain without a result`() throws {
        let bench = try Bench()
        try bench.runtime.delete(Bench.web, from: try Bench.chain())
        #expect(bench.plugins.summaries == ["DEL c", "DEL b", "DEL a"])
        #expect(bench.plugins.calls.allSatisfy { !$0.input.contains("prevResult") })
    }

    @Test(arguments: [
        "", "{", "[]", #"{"kind": "other"}"#, #"{"kind": "cniCacheV1"}"#,
        #"{"kind":"cniCacheV1","containerId":"web1","ifName":"eth0","networkName":"blue","result":{"cniVersion":"7"}}"#,
    ])
    func `a damaged entry does not block DEL, and does not let a second ADD through`(text: String) throws {
        let bench = try Bench()
        let list = try Bench.chain()
        try bench.folder.write(text, to: "results/blue-web1-eth0")
        #expect(throws: RuntimeError.alreadyAttached(Bench.webAttachment)) {
            try bench.runtime.add(Bench.web, to: list)
        }
        #expect(throws: RuntimeError.self) { try bench.runtime.check(Bench.web, on: list) }
        #expect(bench.plugins.calls == [])
        try bench.runtime.delete(Bench.web, from: list)
        #expect(bench.plugins.summaries == ["DEL c", "DEL b", "DEL a"])
        #expect(bench.plugins.calls.allSatisfy { !$0.input.contains("prevResult") })
        #expect(bench.warnings.count == 1)
        #expect(
            bench.warnings.first?.hasPrefix(
                "going on without the cached result, because it is damaged: result cache: \(bench.folder.path)/results/blue-web1-eth0: "
            ) == true)
        #expect(bench.folder.names(in: "results") == [])
    }
}
