import NetworkAddress
import Testing

@testable import PacketFilter

/// What CHECK finds in table filter, and which names can stand there.
@Suite struct IPTablesAdmissionCheckTests {
    @Test func aMissingRuleIsNamed() throws {
        let plan = try IPTablesAdmissionTests.plan("c1", ["10.1.0.2"], .sameBridge("cni1"))
        let whole = try IPTablesAdmissionTests.empty().admitting(plan)
        for (name, rules) in whole.tables[.filter] ?? [:] {
            let chain = try #require(ChainName(name))
            for position in rules.indices {
                var state = whole
                state.apply(.deleteRule(.filter, chain, at: position, nil))
                let error = #expect(throws: PacketFilterError.self, "\(chain) \(position)") { try state.check(plan) }
                #expect(error?.cause == .mismatch && error?.operation.contains(name) == true)
            }
        }
        #expect(throws: PacketFilterError.self) { try IPTablesAdmissionTests.empty().check(plan) }
    }

    @Test func aRuleThatComesTooLateIsNone() throws {
        let plan = try IPTablesAdmissionTests.plan("c1", ["10.1.0.2"], .sameBridge("cni1"))
        let whole = try IPTablesAdmissionTests.empty().admitting(plan)
        for (chain, rule) in [
            (ChainName.forward, IPTablesRule.toIsolation), (.forward, .toAdministrators(.administrators)),
            (.forwarding, .toAdministrators(.administrators)), (.isolationOut, try #require(plan.isolation?.out)),
            (.isolationIn, try #require(plan.isolation?.into)),
        ] {
            var state = whole
            state.delete(rule, chain)
            state.apply(.append(.filter, chain, rule))
            let error = #expect(throws: PacketFilterError.self, "\(rule)") { try state.check(plan) }
            #expect(error?.message?.contains("comes too late") == true)
            try state.admit(plan)
            try state.check(plan)
        }
    }

    @Test func anotherRecordIsAMismatch() throws {
        let state = try IPTablesAdmissionTests.empty().admitting(
            try IPTablesAdmissionTests.plan("c1", ["10.1.0.2", "10.1.0.3"]))
        #expect(throws: PacketFilterError.self) { try state.check(try IPTablesAdmissionTests.plan("c1", ["10.1.0.2"])) }
    }

    // MARK: Names

    /// A plus would stand for every name that begins so; the others cannot stand in a rule.
    @Test(arguments: ["br+", "", "a b", "-x", "br\"", "bridge-of-more-than-15"])
    func bridgesThatNoRuleCanHold(name: String) throws {
        #expect(throws: PacketFilterError.self) {
            try IPTablesAdmissionTests.plan("c1", ["10.1.0.2"], .sameBridge(name))
        }
        #expect(throws: PacketFilterError.self) { try IPTablesAdmissionTests.plan("c1", ["10.1.0.2"], .isolated(name)) }
    }

    @Test func namesThatCannotStandInACommentStandThereAsHashes() throws {
        let odd = ["a\"b", "a\nb", "#", String(repeating: "n", count: 101), "", "é"]
        var comments: Set<String> = []
        for name in odd {
            for owner in [
                IPTablesAdmissionTests.owner(name), IPTablesAdmissionTests.owner("c", network: name),
                IPTablesAdmissionTests.owner("c", network: "n", interface: name),
            ] {
                let text = try AdmissionComment(owner).comment.description
                #expect(text.wholeMatch(of: /name: "[\w#.-]*" id: "[\w#.-]*" interface: "[\w#.-]*"/) != nil, "\(text)")
                #expect(text.utf8.count <= 255)
                comments.insert(text)
            }
        }
        #expect(comments.count == 3 * odd.count)
    }
}
