import NetworkAddress
import Testing

@testable import PacketFilter

/// What is done to tables that hold this and that, decided on values.
@Suite struct IPTablesStateTests {
    /// Tables in which nobody has been yet.
    static let empty = IPTablesState(
        .ipv4,
        tables: [
            .nat: ["PREROUTING": [], "INPUT": [], "OUTPUT": [], "POSTROUTING": []],
            .raw: ["PREROUTING": [], "OUTPUT": []],
        ])

    static func forwarding(
        _ containerID: String, _ mappings: [PortMapping], network: String = "net",
        _ translation: PortForwarding.SourceTranslation = .whereNeeded
    ) throws -> IPTablesPlan {
        let owner = RuleOwner(network: network, containerID: containerID, interfaceName: "eth0")
        let container = try #require(IPPrefix("10.1.0.2/24"))
        let forwarding = PortForwarding(
            owner: owner, mappings: mappings, containers: [container], sourceTranslation: translation, link: "cni0")
        return try #require(try IPTablesPlan(forwarding, .ipv4))
    }

    static func masquerading(_ containerID: String, _ addresses: String...) throws -> IPTablesPlan {
        let owner = RuleOwner(network: "net", containerID: containerID, interfaceName: "eth0")
        return try #require(
            try IPTablesPlan(
                Masquerading(owner: owner, addresses: addresses.compactMap { IPPrefix($0) }, link: "cni0"), .ipv4))
    }

    static func tcp(_ ports: ClosedRange<UInt16>, _ address: String? = nil) -> PortMapping {
        PortMapping(
            .tcp, hostAddress: address.flatMap { IPAddress($0) }, hostPorts: ports, containerPort: ports.lowerBound)
    }

    @Test func whatIsAppliedIsFoundAndRemovedWithoutTrace() throws {
        let plan = try Self.forwarding("c1", [Self.tcp(80...80)])
        var state = Self.empty
        try state.bring(plan)
        try state.check(plan)
        #expect(state.rules(.nat, .postrouting)?.first?.destination == "CNI-HOSTPORT-MASQ")
        let removal = state.removal(of: .portForwarding, "net", "c1")
        #expect(removal.published == [PublishedPort(mapping: Self.tcp(80...80), container: try address("10.1.0.2"))])
        state.take(removal)
        #expect(state == Self.empty)
        #expect(state.removal(of: .portForwarding, "net", "c1").changes == [])
    }

    @Test func sharedChainsStayForOthers() throws {
        var state = Self.empty
        try state.bring(try Self.forwarding("c1", [Self.tcp(80...80)]))
        let before = state
        let second = try Self.forwarding("c2", [Self.tcp(81...81)], network: "other")
        try state.bring(second)
        #expect(state.rules(.nat, .prerouting)?.count == 1)
        #expect(state.rules(.nat, .setMark)?.count == 1)
        state.take(state.removal(of: .portForwarding, "other", "c2"))
        #expect(state == before)
    }

    /// Rules of others, understood or not, keep their places.
    @Test func foreignRulesStay() throws {
        let unknown = IPTablesState.Rule(unknownLeadingTo: "KUBE-SERVICES")
        let accepting = IPTablesState.Rule(IPTablesRule(target: .accept))
        var state = IPTablesState(
            .ipv4,
            tables: [
                .nat: [
                    "PREROUTING": [unknown, accepting], "OUTPUT": [unknown], "POSTROUTING": [accepting],
                    "KUBE-SERVICES": [],
                ],
                .raw: ["PREROUTING": [accepting], "OUTPUT": []],
            ])
        let before = state
        try state.bring(try Self.forwarding("c1", [Self.tcp(80...80)]))
        #expect(state.rules(.nat, .prerouting)?.prefix(2) == [unknown, accepting])
        #expect(state.rules(.nat, .postrouting)?.last == accepting)
        #expect(state.rules(.raw, .prerouting)?.last == accepting)
        state.take(state.removal(of: .portForwarding, "net", "c1"))
        #expect(state == before)
    }

    @Test(arguments: ["CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ"])
    func sharedChainsThatOthersUseStay(chain: String) throws {
        var state = Self.empty
        try state.bring(try Self.forwarding("c1", [Self.tcp(80...80)]))
        var tables = state.tables
        tables[.nat]?["OTHERS"] = [IPTablesState.Rule(unknownLeadingTo: chain)]
        state = IPTablesState(.ipv4, tables: tables)
        state.take(state.removal(of: .portForwarding, "net", "c1"))
        let left = Set((state.tables[.nat] ?? [:]).keys.filter { $0.hasPrefix("CNI-") })
        // A mark without the chain that acts on it would be of no use.
        #expect(left == (chain.hasSuffix("SETMARK") ? [chain, "CNI-HOSTPORT-MASQ"] : [chain]))
    }

    @Test func theGuardStaysAsLongAsSomebodyNeedsIt() throws {
        var state = Self.empty
        try state.bring(try Self.forwarding("c1", [Self.tcp(80...80)]))
        try state.bring(try Self.forwarding("c2", [Self.tcp(81...81)], .never))
        state.take(state.removal(of: .portForwarding, "net", "c2"))
        #expect(state.contains(.raw, .loopbackGuard))
        try state.bring(try Self.forwarding("c2", [Self.tcp(81...81)], .never))
        state.take(state.removal(of: .portForwarding, "net", "c1"))
        #expect(!state.contains(.raw, .loopbackGuard))
        #expect(state.contains(.nat, .hostPorts))
    }

    @Test(arguments: [
        (tcp(80...80), tcp(80...80), true), (tcp(80...80), tcp(81...81), false), (tcp(80...90), tcp(85...85), true),
        (tcp(80...80, "192.0.2.1"), tcp(80...80), true), (tcp(80...80, "0.0.0.0"), tcp(80...80, "192.0.2.1"), true),
        (tcp(80...80, "192.0.2.1"), tcp(80...80, "192.0.2.2"), false),
        (tcp(80...80), PortMapping(.udp, hostPorts: 80...80, containerPort: 80), false),
    ])
    func portsThatArePublishedAlready(first: PortMapping, second: PortMapping, isConflict: Bool) throws {
        var state = Self.empty
        try state.bring(try Self.forwarding("c1", [first]))
        let plan = try Self.forwarding("c2", [second])
        if isConflict {
            let error = #expect(throws: PacketFilterError.self) { try state.changes(applying: plan) }
            #expect(error?.cause == .conflict(owner: "container c1 on network net", mapping: second))
        } else {
            try state.bring(plan)
            try state.check(plan)
        }
    }

    @Test func theSameContainerAgainReplacesWhatItHad() throws {
        var state = Self.empty
        try state.bring(try Self.forwarding("c1", [Self.tcp(80...80)]))
        try state.bring(try Self.forwarding("c1", [Self.tcp(81...81)]))
        var expected = Self.empty
        try expected.bring(try Self.forwarding("c1", [Self.tcp(81...81)]))
        #expect(state == expected)
    }

    /// On each of its networks a container publishes the same ports. The first rule counts, then the next.
    @Test func theSameContainerOnAnotherNetworkIsNoConflict() throws {
        var state = Self.empty
        try state.bring(try Self.forwarding("c1", [Self.tcp(80...80)]))
        try state.bring(try Self.forwarding("c1", [Self.tcp(80...80)], network: "other"))
        state.take(state.removal(of: .portForwarding, "net", "c1"))
        var expected = Self.empty
        try expected.bring(try Self.forwarding("c1", [Self.tcp(80...80)], network: "other"))
        #expect(state == expected)
    }

    /// A chain that nothing leads to publishes nothing.
    @Test func leftoversAreNoConflict() throws {
        var state = Self.empty
        try state.bring(try Self.forwarding("c1", [Self.tcp(80...80)]))
        state.apply(.deleteRule(.nat, .hostPorts, at: 0, nil))
        try state.bring(try Self.forwarding("c2", [Self.tcp(80...80)]))
    }

    @Test func masqueradingComesAndGoes() throws {
        var state = Self.empty
        let one = try Self.masquerading("c1", "10.1.0.2/24")
        try state.bring(one)
        let before = state
        try state.bring(one)
        #expect(state == before)
        // A second address of the same container: its network is not masqueraded either.
        let two = try Self.masquerading("c1", "10.2.0.2/24")
        try state.bring(two)
        try state.check(one)
        try state.check(two)
        #expect(state.rules(.nat, two.ownChain.name)?.last?.rule?.target == .masquerade)
        let removal = state.removal(of: .masquerading, "net", "c1")
        #expect(removal.published == [])
        state.take(removal)
        #expect(state == Self.empty)
    }

    /// Ports and masquerading of a container are taken out apart.
    @Test func onePurposeLeavesTheOther() throws {
        var state = Self.empty
        try state.bring(try Self.masquerading("c1", "10.1.0.2/24"))
        let before = state
        try state.bring(try Self.forwarding("c1", [Self.tcp(80...80)]))
        state.take(state.removal(of: .portForwarding, "net", "c1"))
        #expect(state == before)
        state.take(state.removal(of: .masquerading, "net", "c1"))
        #expect(state == Self.empty)
    }

    @Test func garbageIsWhatOfANetworkDoesNotLive() throws {
        var state = Self.empty
        try state.bring(try Self.forwarding("c1", [Self.tcp(80...80)]))
        try state.bring(try Self.masquerading("c1", "10.1.0.2/24"))
        try state.bring(try Self.forwarding("c1", [Self.tcp(83...83)], network: "other"))
        let before = state
        try state.bring(try Self.forwarding("c2", [Self.tcp(81...81)]))
        try state.bring(try Self.masquerading("c2", "10.1.0.3/24"))
        let long = String(repeating: "x", count: 250)
        try state.bring(try Self.forwarding(long, [Self.tcp(82...82)]))
        var spared = state
        for purpose in OwnerComment.Purpose.allCases {
            spared.take(state.removal(of: purpose, ofNetwork: "net", sparing: ["c1", "c2", long]))
        }
        #expect(spared == state)
        let removal = state.removal(of: .portForwarding, ofNetwork: "net", sparing: ["c1"])
        #expect(Set(removal.published.map(\.mapping)) == [Self.tcp(81...81), Self.tcp(82...82)])
        #expect(removal.remaining == [try #require(IPAddress("10.1.0.2"))])
        state.take(removal)
        // Each plugin collects its own.
        #expect(state != before)
        state.take(state.removal(of: .masquerading, ofNetwork: "net", sparing: ["c1"]))
        #expect(state == before)
        for (purpose, network) in [
            (OwnerComment.Purpose.portForwarding, "net"), (.masquerading, "net"), (.portForwarding, "other"),
        ] {
            state.take(state.removal(of: purpose, ofNetwork: network, sparing: []))
        }
        #expect(state == Self.empty)
    }

    /// Anybody may write a comment; the chain must have the name that belongs to it.
    @Test func commentsAloneProveNothing() throws {
        var state = Self.empty
        let comment = try #require(RuleComment("dnat name: \"net\" id: \"c1\""))
        let chain = try #require(ChainName("PRECIOUS"))
        state.apply(.makeChain(.nat, chain))
        state.apply(.append(.nat, .prerouting, IPTablesRule(matches: [.comment(comment)], target: .jump(chain))))
        state.apply(.append(.nat, chain, IPTablesRule(matches: [.comment(comment)], target: .accept)))
        #expect(state.removal(of: .portForwarding, ofNetwork: "net", sparing: []).changes == [])
    }

    @Test func aMissingRuleIsNamed() throws {
        let plan = try Self.forwarding("c1", [Self.tcp(80...80)])
        var whole = Self.empty
        try whole.bring(plan)
        for chain in (plan.sharedChains + [plan.ownChain]) where chain.table == .nat {
            for (position, rule) in chain.rules.enumerated() {
                var state = whole
                state.apply(.deleteRule(.nat, chain.name, at: position, nil))
                let error = #expect(throws: PacketFilterError.self) { try state.check(plan) }
                #expect(error?.message == "there is no rule \(rule)" && error?.cause == .mismatch)
                #expect(error?.operation == "chain \(chain.name) of table nat")
            }
        }
        for entry in plan.sharedEntries + plan.ownEntries where entry.table == .nat {
            var state = whole
            state.apply(.flush(.nat, entry.chain))
            #expect(throws: PacketFilterError.self) { try state.check(plan) }
        }
        #expect(throws: PacketFilterError.self) { try Self.empty.check(plan) }
    }

    /// The reference leads ports that are published in the other family to the chain too.
    @Test func moreThanExpectedWillDo() throws {
        let plan = try Self.forwarding("c1", [Self.tcp(80...80), Self.tcp(8000...8010)], .always)
        var state = Self.empty
        try state.bring(plan)
        state.apply(.flush(.nat, .hostPorts))
        var rule = plan.ownEntries[0].rule
        rule.matches[1] = .multiport(try #require(IPTablesRule.PortSet([79...81, 443...443])))
        state.apply(.append(.nat, .hostPorts, rule))
        #expect(throws: PacketFilterError.self) { try state.check(plan) }
        rule.matches[1] = .multiport(try #require(IPTablesRule.PortSet([8000...8010])))
        state.apply(.append(.nat, .hostPorts, rule))
        try state.check(plan)
        // Without a rule of its own for the host, as everybody is marked.
        let marked = try #require(
            state.rules(.nat, plan.ownChain.name)?.firstIndex { $0.rule?.source == .only(.loopbackHost) })
        state.apply(.deleteRule(.nat, plan.ownChain.name, at: marked, nil))
        try state.check(plan)
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
}

extension IPTablesState {
    fileprivate mutating func bring(_ plan: IPTablesPlan) throws {
        for change in try changes(applying: plan) { apply(change) }
    }

    fileprivate mutating func take(_ removal: IPTablesRemoval) {
        for change in removal.changes { apply(change) }
    }
}
