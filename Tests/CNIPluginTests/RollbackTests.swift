import CNI
import CNIPlugin
import Testing

@Suite struct RollbackTests {
    private struct Failure: Error, Equatable { let name: String }

    @Test func `a change that succeeds undoes nothing`() throws {
        var undone: [String] = []
        let value = try Rollback.guarding { rollback in
            rollback.onFailure("a") { undone.append("a") }
            return 7
        }
        #expect(value == 7)
        #expect(undone.isEmpty)
    }

    @Test func `a failure undoes the steps so far, last one first, and is thrown on`() {
        var undone: [String] = []
        let error = #expect(throws: Failure.self) {
            try Rollback.guarding { rollback in
                rollback.onFailure("a") { undone.append("a") }
                rollback.onFailure("b") { undone.append("b") }
                rollback.onFailure("c") { undone.append("c") }
                if undone.isEmpty { throw Failure(name: "d") }
                rollback.onFailure("e") { undone.append("e") }
            }
        }
        #expect(error == Failure(name: "d"))
        #expect(undone == ["c", "b", "a"])
    }

    @Test func `an undo that fails keeps no other from running and hides no error`() {
        var undone: [String] = []
        let error = #expect(throws: Failure.self) {
            try Rollback.guarding { rollback in
                rollback.onFailure("a") { undone.append("a") }
                rollback.onFailure("b") { throw Failure(name: "undo b") }
                rollback.onFailure("c") { undone.append("c") }
                throw Failure(name: "first")
            }
        }
        #expect(error == Failure(name: "first"))
        #expect(undone == ["c", "a"])
    }
}

@Suite struct TeardownTests {
    @Test func `every step runs, whatever happens to the others`() throws {
        var ran: [Int] = []
        var teardown = Teardown()
        for number in 1...4 {
            teardown.step {
                ran.append(number)
                if number % 2 == 0 { throw CNIError(.init(rawValue: 100 + number), "step \(number)") }
            }
        }
        let error = #expect(throws: CNIError.self) { try teardown.finish() }
        #expect(ran == [1, 2, 3, 4])
        #expect(error == CNIError(.init(rawValue: 102), "step 2; step 4"))
    }

    @Test func `one failure is thrown as it is`() {
        var teardown = Teardown()
        teardown.step { throw CNIError(.failed, "no", details: "because") }
        let error = #expect(throws: CNIError.self) { try teardown.finish() }
        #expect(error == CNIError(.failed, "no", details: "because"))
    }

    @Test func `no failure is no error`() throws {
        var teardown = Teardown()
        teardown.step {}
        try teardown.finish()
    }
}
