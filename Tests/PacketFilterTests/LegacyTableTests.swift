import NetworkAddress
import TestSupport
import Testing

@testable import PacketFilter

/// Tables of a real kernel, taken apart, put together and changed.
@Suite struct LegacyTableTests {
    /// What marks rules with parts that we do not know.
    static let unknown = [
        "-g ", "! -p", "REDIRECT", "--random", "! --dport", "--sport", "--tcp-flags", "! --mark", "--src-type",
        "! --dst-type", "--limit-iface-in", "--to-ports", "statistic", "255.0.0.255", "ffff::ffff", "NEW,",
        "! --ctstate", "--ctdir",
        "limit",
        "recent", "REJECT", "KUBE.odd",
    ]

    @Test(arguments: CapturedTable.all) func staysAsItIs(captured: CapturedTable) throws {
        let table = try captured.read()
        let compiled = table.compiled()
        #expect(compiled.entries == captured.entries)
        #expect(compiled.information == captured.information)
        #expect(compiled.positions == Array(0..<compiled.positions.count))
    }

    @Test(arguments: CapturedTable.all) func rulesReadAsIPTablesPrintsThem(captured: CapturedTable) throws {
        let table = try captured.read()
        var printed = captured.rules[...]
        for chain in table.chains {
            for rule in chain.rules {
                let next = printed.popFirst()
                let line = try #require(next)
                if LegacyTableTests.unknown.contains(where: line.contains) {
                    #expect(table.decode(rule) == nil, "\(line)")
                } else {
                    let known = try #require(table.decode(rule), "\(line)")
                    #expect("\(chain.name) \(known)" == line)
                }
            }
        }
        #expect(printed.isEmpty)
    }

    /// What we write is what iptables wrote for the same text.
    @Test(arguments: CapturedTable.all) func rulesAreWrittenAsIPTablesWritesThem(captured: CapturedTable) throws {
        let table = try captured.read()
        let layout = LegacyLayout.of(captured.family)
        for rule in table.chains.flatMap(\.rules) {
            guard let known = table.decode(rule) else { continue }
            var theirs = Array(rule.bytes)
            // What the kernel filled in: which hooks the rule is reached from, counters, and where jumps lead.
            theirs.store([0, 0, 0, 0], at: layout.nextOffset + 2)
            theirs.store([UInt8](repeating: 0, count: 16), at: layout.counters)
            switch rule.verdict {
            case .chain, .next:
                let target: UInt16 = theirs.load(layout.targetOffset)
                theirs.store([0, 0, 0, 0], at: Int(target) + 32)
            case .byExtension, .fixed: break
            }
            #expect(known.encoded(layout) == theirs, "\(known)")
        }
    }

    @Test(arguments: CapturedTable.all) func countersAndJumpsAreKnown(captured: CapturedTable) throws {
        let table = try captured.read()
        switch captured.table {
        case .nat:
            let first = try #require(table.chain("PREROUTING")?.rules.first)
            #expect(table.counters(of: first) == (5, 300))
            #expect(table.destination(of: first) == "CNI-HOSTPORT-DNAT")
            #expect(try table.isReferenced(#require(table.chain("CNI-HOSTPORT-SETMARK"))))
            #expect(try !table.isReferenced(#require(table.chain("EMPTY"))))
        default:
            let input = try #require(table.chain("INPUT"))
            #expect(table.counters(of: input.foot) == (11, 1234))
            #expect(input.foot.verdict == .drop)
            #expect(table.chains.map(\.name) == ["INPUT", "FORWARD", "OUTPUT", "KUBE.odd", "Z-last", "a-lower"])
        }
    }

    /// A plan of ours for the same container finds all that iptables made, and takes all of it out.
    @Test(arguments: CapturedTable.all.filter { $0.table == .nat })
    func aChangeKeepsEverythingElse(captured: CapturedTable) throws {
        var table = try captured.read()
        let state = IPTablesState(captured.family, tables: [.nat: table.state])
        let removal = state.removal(of: .portForwarding, "net", "c1")
        #expect(removal.published.map(\.mapping.hostPorts) == [8080...8080, 9000...9010, 9000...9010, 0...65535])
        for change in removal.changes { try table.make(change) }
        let text = removal.changes.map { "\($0)" }.joined(separator: "\n")
        #expect(table.chain("CNI-DN-623e1c388032b20529218") == nil, "\(text)")
        // Somebody else's goto leads to it.
        #expect(table.chain("CNI-HOSTPORT-DNAT")?.rules.count == 0, "\(text)")
        #expect(table.chain("CNI-HOSTPORT-MASQ") == nil, "\(text)")

        let compiled = table.compiled()
        let again = try LegacyTable(captured.family, .nat, compiled.information, entries: compiled.entries)
        let expected = captured.rules.filter { line in
            !line.contains("CNI-DN-") && !line.contains("CNI-HOSTPORT-SETMARK") && !line.contains("CNI-HOSTPORT-MASQ")
        }
        let left = again.chains.flatMap { chain in chain.rules.map { (chain.name, again.decode($0)) } }
        #expect(left.count == expected.count)
        for ((name, rule), line) in zip(left, expected) {
            #expect(rule.map { "\(name) \($0)" == line } ?? line.hasPrefix(name), "\(line)")
        }
        // Every entry that is left knows which one it was.
        let kept = compiled.positions.compactMap { $0 }
        #expect(kept.count == compiled.positions.count && kept == kept.sorted())
    }

    @Test(arguments: CapturedTable.all) func whatCannotBe(captured: CapturedTable) throws {
        var table = try captured.read()
        let before = table.compiled()
        let hook = try #require(ChainName(captured.table == .nat ? "PREROUTING" : "FORWARD"))
        let used = try #require(ChainName(captured.table == .nat ? "CNI-HOSTPORT-DNAT" : "Z-last"))
        let absent = try #require(ChainName("ABSENT"))
        let other: AddressFamily = captured.family == .ipv4 ? .ipv6 : .ipv4
        for change: IPTablesChange in [
            .makeChain(captured.table, used), .deleteChain(captured.table, absent), .flush(captured.table, absent),
            .deleteRule(captured.table, used, at: 99, nil),
            .append(captured.table, used, IPTablesRule(target: .jump(absent))),
            .append(captured.table, used, IPTablesRule(target: .jump(hook))),
            .append(captured.table, used, IPTablesRule(source: .only(IPPrefix(only: IPAddress(other, number: 1))))),
            .append(captured.table, used, IPTablesRule(target: .destination(.init(IPAddress(other, number: 1))))),
        ] {
            #expect(throws: PacketFilterError.self, "\(change)") { try table.make(change) }
        }
        #expect(table.compiled() == before)
    }

    /// Nothing that a kernel could hand out makes the process trap.
    @Test(arguments: CapturedTable.all) func damagedTablesAreRefusedOrRead(captured: CapturedTable) throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var entries = captured.entries
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                entries[Int.random(in: entries.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { entries.removeLast(Int.random(in: 0..<entries.count, using: &random)) }
            guard
                let table = try? LegacyTable(captured.family, captured.table, captured.information, entries: entries)
            else { continue }
            _ = table.state
            _ = table.compiled()
        }
    }
}
