import NetworkAddress
import Testing

@testable import PacketFilter

/// What is done to table filter for containers that are let through, decided on values.
@Suite struct IPTablesAdmissionTests {
    /// A table in which nobody has been yet.
    static func empty(_ family: AddressFamily = .ipv4) -> IPTablesState {
        IPTablesState(family, tables: [.filter: ["INPUT": [], "FORWARD": [], "OUTPUT": []]])
    }

    static func owner(_ containerID: String, network: String = "net", interface: String = "eth0") -> RuleOwner {
        RuleOwner(network: network, containerID: containerID, interfaceName: interface)
    }

    static func plan(
        _ containerID: String, _ addresses: [String], _ policy: ContainerAdmission.IngressPolicy = .open,
        network: String = "net", interface: String = "eth0", adminChain: ChainName = .administrators
    ) throws -> IPTablesAdmission {
        let admission = ContainerAdmission(
            owner: owner(containerID, network: network, interface: interface),
            addresses: addresses.compactMap { IPAddress($0) }, policy: policy, adminChain: adminChain)
        return try #require(try IPTablesAdmission(admission, .ipv4))
    }

    @Test(arguments: AdmissionRow.all, AddressFamily.allCases)
    func rulesOfAnIntent(row: AdmissionRow, family: AddressFamily) throws {
        var state = Self.empty(family)
        guard let plan = try IPTablesAdmission(row.admission, family) else {
            #expect(row.expected[family] == [])
            return
        }
        try state.admit(plan)
        #expect(state.filterLines == row.expected[family])
        try state.check(plan)
        // Once more changes nothing.
        let before = state
        try state.admit(plan)
        #expect(state == before)
        state.take(state.removal(ofAdmissionOf: row.admission.owner, addresses: []))
        #expect(state == Self.empty(family))
        #expect(state.removal(ofAdmissionOf: row.admission.owner, addresses: row.admission.addresses) == [])
    }

    @Test func everyContainerGoesWithoutTrace() throws {
        let plans = [
            try Self.plan("c1", ["10.1.0.2"], .sameBridge("cni1")),
            try Self.plan("c2", ["10.1.0.3"], .sameBridge("cni1")),
            try Self.plan("c3", ["10.2.0.2"], .isolated("cni2")), try Self.plan("c4", ["10.3.0.2"]),
        ]
        let owners = ["c1", "c2", "c3", "c4"].map { Self.owner($0) }
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            var states = [Self.empty()]
            for number in order { states.append(try states[states.count - 1].admitting(plans[number])) }
            var state = states[order.count]
            for number in order.indices.reversed() {
                for other in order.prefix(through: number) { try state.check(plans[other]) }
                state.take(state.removal(ofAdmissionOf: owners[order[number]], addresses: []))
                // Chains come in the order in which they are made, and rules of isolation before those of others.
                #expect(Set(state.filterLines) == Set(states[number].filterLines), "\(order), \(number)")
            }
            #expect(state == Self.empty())
        }
    }

    /// Wherever somebody has put our rules, and whichever there are: administrators first, then isolation.
    @Test func theOrderIsKept() throws {
        let isolated = try Self.plan("c1", ["10.1.0.2"], .sameBridge("cni1"))
        let open = try Self.plan("c2", ["10.2.0.2"], adminChain: try #require(ChainName("MY_CHAIN")))
        let foreign = IPTablesRule(source: .only(try #require(IPPrefix("192.0.2.0/24"))), target: .drop)
        for order in [[isolated, open], [open, isolated]] {
            var state = Self.empty()
            state.apply(.append(.filter, .forward, foreign))
            for plan in order { try state.admit(plan) }
            let wanted: [IPTablesRule] = [.toIsolation, .toForwarding, foreign]
            #expect(Array(state.forward.suffix(3)) == wanted)
            #expect(state.forward.prefix(2).allSatisfy(\.leadsToAdministrators) && state.forward.count == 5)
            // Somebody takes one of them away, and a container comes: all are in order again.
            for position in 0..<4 {
                var damaged = state
                damaged.apply(.deleteRule(.filter, .forward, at: position, nil))
                try damaged.admit(try Self.plan("c3", ["10.3.0.2"]))
                #expect(Set(damaged.forward) == Set(state.forward).union([.toAdministrators(.administrators)]))
                #expect(Array(damaged.forward.suffix(3)) == wanted || position < 3)
                let places = [IPTablesRule.toIsolation, .toForwarding].compactMap { damaged.forward.firstIndex(of: $0) }
                #expect(places.count == 2 && places[0] < places[1])
                #expect(damaged.forward.lastIndex { $0.leadsToAdministrators } ?? 9 < places[0])
            }
        }
    }

    /// The reference isolates before it asks the administrator.
    @Test func theReferencesOrderIsMended() throws {
        let plan = try Self.plan("c1", ["10.1.0.2"], .sameBridge("cni1"))
        var state = try Self.reference(plan)
        try state.check(plan)
        try state.admit(try Self.plan("c2", ["10.2.0.2"]))
        #expect(state.forward == [.toAdministrators(.administrators), .toIsolation, .toForwarding])
        // With the last one of ours it is as the reference left it.
        state.take(state.removal(ofAdmissionOf: Self.owner("c2"), addresses: []))
        #expect(try state == Self.reference(plan))
    }

    /// What the reference makes of a plan, which writes no record.
    static func reference(_ plan: IPTablesAdmission) throws -> IPTablesState {
        var state = try empty().admitting(plan)
        state.apply(.deleteChain(.filter, plan.record.name))
        if state.forward.first?.leadsToAdministrators ?? false {
            state.apply(.deleteRule(.filter, .forward, at: 0, nil))
        }
        return state
    }

    // MARK: Removing

    @Test func whatTheReferenceMadeGoesByItsAddresses() throws {
        let plan = try Self.plan("c1", ["10.1.0.2"], .sameBridge("cni1"))
        var state = try Self.reference(plan)
        #expect(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: []) == [])
        #expect(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: [try address("10.1.0.3")]) == [])
        state.take(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: [try address("10.1.0.2")]))
        #expect(state == Self.empty())
    }

    /// An address has gone to another container by the time that DEL comes once more.
    @Test func aLateRemovalLeavesTheNewOwnerAlone() throws {
        var state = try Self.empty().admitting(try Self.plan("c1", ["10.1.0.2"]))
        state.take(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: [try address("10.1.0.2")]))
        let new = try Self.plan("c2", ["10.1.0.2"])
        try state.admit(new)
        #expect(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: [try address("10.1.0.2")]) == [])
        // The same where the first one vanished without DEL, whose record still names the address.
        state = try Self.empty().admitting(try Self.plan("c1", ["10.1.0.2", "10.1.0.9"])).admitting(new)
        state.take(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: [try address("10.1.0.2")]))
        try state.check(new)
        #expect(try state == Self.empty().admitting(new))
    }

    /// The reference's plugin may rely on them, whose containers have no record.
    @Test func rulesOfBridgesStayForContainersOfTheReference() throws {
        let other = try Self.plan("r1", ["10.1.0.9"], .sameBridge("cni1"))
        let own = try Self.plan("c1", ["10.2.0.2"], .isolated("cni2"))
        var state = try Self.reference(other).admitting(own)
        state.take(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: []))
        try state.check(other)
        #expect(state.rules(.filter, .isolationOut)?.contains { $0.rule == own.isolation?.out } == true)
        // When they have gone, everything goes.
        state.take(state.removal(ofAdmissionOf: Self.owner("r1"), addresses: [try address("10.1.0.9")]))
        #expect(state == Self.empty())
    }

    /// Two policies on one bridge would not hold for each other.
    @Test func aBridgeHasOnePolicy() throws {
        let one = try Self.plan("c1", ["10.1.0.2"], .sameBridge("cni1"))
        let two = try Self.plan("c2", ["10.1.0.3"], .isolated("cni1"))
        let elsewhere = try Self.plan("c3", ["10.2.0.2"], .isolated("cni2"))
        for (first, second, words) in [
            (one, two, (#""isolated" does not go with "same-bridge""#, "c1")),
            (two, one, (#""same-bridge" does not go with "isolated""#, "c2")),
        ] {
            var state = try Self.empty().admitting(first).admitting(elsewhere)
            let before = state
            let error = #expect(throws: PacketFilterError.self) { try state.admit(second) }
            let text = error?.description ?? ""
            for word in ["bridge cni1", words.0, #"id: "\#(words.1)""#] { #expect(text.contains(word), "\(text)") }
            #expect(state == before)
            // With the other one gone the bridge is anybody's.
            state.take(state.removal(ofAdmissionOf: Self.owner(words.1), addresses: []))
            try state.admit(second)
            try state.check(second)
            #expect(state.rules(.filter, .isolationOut)?.contains { $0.rule == first.isolation?.out } == false)
        }
        // The same container may change its mind.
        let changed = try Self.plan("c1", ["10.1.0.2"], .isolated("cni1"))
        #expect(try Self.empty().admitting(one).admitting(changed) == Self.empty().admitting(changed))
    }

    @Test func rulesOfABridgeGoWithItsLastContainer() throws {
        var state = Self.empty()
        let one = try Self.plan("c1", ["10.1.0.2"], .sameBridge("cni1"))
        let two = try Self.plan("c2", ["10.1.0.3"], .sameBridge("cni1"))
        for plan in [one, two] { try state.admit(plan) }
        state.take(state.removal(ofAdmissionOf: Self.owner("c2"), addresses: []))
        #expect(try state == Self.empty().admitting(one))
        try state.admit(two)
        state.take(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: []))
        try state.check(two)
        state.take(state.removal(ofAdmissionOf: Self.owner("c2"), addresses: []))
        #expect(state == Self.empty())
    }

    @Test func recordsWhoseRulesTheReferenceTookAwayGoWithTheNextChange() throws {
        let gone = try Self.plan("c1", ["10.1.0.2"], .sameBridge("cni1"))
        let living = try Self.plan("c2", ["10.2.0.2", "10.2.0.3"], .sameBridge("cni2"))
        var state = try Self.empty().admitting(gone).admitting(living)
        for rule in gone.accepting + [living.accepting[0]] { state.delete(rule, .forwarding) }
        try state.admit(try Self.plan("c3", ["10.3.0.2"]))
        #expect(!state.contains(.filter, gone.record.name) && state.contains(.filter, living.record.name))
        state.take(state.removal(ofAdmissionOf: Self.owner("c3"), addresses: []))
        #expect(state.rules(.filter, .isolationOut)?.contains { $0.rule == gone.isolation?.out } == false)
        state.take(state.removal(ofAdmissionOf: Self.owner("c2"), addresses: []))
        #expect(state == Self.empty())
    }

    /// Then all records would look as if their containers had gone.
    @Test func whoEmptiesOurChainTakesNothingFromContainersForLong() throws {
        let plans = [
            try Self.plan("c1", ["10.1.0.2"], .sameBridge("cni1")), try Self.plan("c2", ["10.2.0.2"]),
        ]
        var state = try Self.empty().admitting(plans[0]).admitting(plans[1])
        state.apply(.flush(.filter, .forwarding))
        let new = try Self.plan("c3", ["10.3.0.2"])
        try state.admit(new)
        for plan in plans + [new] { try state.check(plan) }
        // Whoever empties all chains takes away what is known, too.
        for chain in (state.tables[.filter] ?? [:]).keys.compactMap(ChainName.init) {
            state.apply(.flush(.filter, chain))
        }
        try state.admit(new)
        try state.admit(try Self.plan("c4", ["10.3.0.3"]))
        #expect(!state.contains(.filter, plans[0].record.name))
        for container in ["c3", "c4"] {
            state.take(state.removal(ofAdmissionOf: Self.owner(container), addresses: []))
        }
        #expect(state == Self.empty())
    }

    @Test func administratorsChainsStayAsLongAsTheyDoSomething() throws {
        let plan = try Self.plan("c1", ["10.1.0.2"], .sameBridge("cni1"))
        var state = Self.empty()
        state.apply(.makeChain(.filter, .administrators))
        state.apply(.append(.filter, .administrators, IPTablesRule(target: .return)))
        let before = state
        try state.admit(plan)
        #expect(state.rules(.filter, .administrators)?.count == 1)
        state.take(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: []))
        #expect(state == before)
        // One that somebody else leads to stays, too; so does what leads there.
        state = Self.empty()
        state.apply(.makeChain(.filter, .administrators))
        state.apply(.append(.filter, ChainName(known: "INPUT"), IPTablesRule(target: .jump(.administrators))))
        let used = state
        try state.admit(plan)
        state.take(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: []))
        #expect(state == used)
    }

    /// Rules of others in our chains keep those.
    @Test func foreignRulesKeepOurChains() throws {
        let plan = try Self.plan("c1", ["10.1.0.2"], .sameBridge("cni1"))
        let foreign = IPTablesRule(source: .only(try #require(IPPrefix("192.0.2.0/24"))), target: .accept)
        for chain in [ChainName.forwarding, .isolationOut, .isolationIn] {
            var state = try Self.empty().admitting(plan)
            state.apply(.append(.filter, chain, foreign))
            state.take(state.removal(ofAdmissionOf: Self.owner("c1"), addresses: []))
            #expect(state.rules(.filter, chain)?.contains { $0.rule == foreign } == true, "\(chain)")
            #expect(state.contains(.filter, .forward, .toForwarding) == (chain == .forwarding))
            #expect(!state.contains(.filter, plan.record.name))
        }
    }

    // MARK: Garbage

    @Test func garbageIsWhatOfANetworkDoesNotLive() throws {
        let long = String(repeating: "x", count: 250)
        let owners = [
            Self.owner("c1"), Self.owner("c2"), Self.owner("c1", interface: "eth1"), Self.owner(long),
            Self.owner("c1", network: "net2"), Self.owner("c1", network: long), Self.owner("c1", network: long + "y"),
        ]
        var state = Self.empty()
        for (number, owner) in owners.enumerated() {
            try state.admit(
                try Self.plan(
                    owner.containerID, ["10.1.0.\(number + 2)"], network: owner.network, interface: owner.interfaceName)
            )
        }
        #expect(state.removal(ofAdmissionsTo: "net", sparing: Set(owners)) == [])
        #expect(state.removal(ofAdmissionsTo: "ne", sparing: []) == [])
        let left = { (state: IPTablesState) in
            owners.indices.filter { state.contains(.filter, .record(of: owners[$0])) }
        }
        state.take(state.removal(ofAdmissionsTo: "net", sparing: [owners[0]]))
        #expect(left(state) == [0, 4, 5, 6])
        state.take(state.removal(ofAdmissionsTo: long, sparing: []))
        #expect(left(state) == [0, 4, 6])
        for network in ["net", "net2", long + "y"] { state.take(state.removal(ofAdmissionsTo: network, sparing: [])) }
        #expect(state == Self.empty())
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
}
