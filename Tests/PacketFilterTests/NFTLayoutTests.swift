import NetworkAddress
import Testing

@testable import PacketFilter

/// Tables of ours agree with themselves: the kernel would find out only when it makes them, and some of it never.
@Suite struct NFTLayoutTests {
    typealias Use = (set: String, operands: [NFTOperand], data: [NFTType])

    static let layouts = NFTElementTests.layouts

    /// What a statement looks up, and what it has to find.
    private func use(_ statement: NFTStatement) -> Use? {
        switch statement {
        case .isIn(let set, let operands, _): (set, operands, [])
        case .translateDestination(let family, let map, let operands, let hasPort):
            (map, operands, [.address(family)] + (hasPort ? [.inetService] : []))
        case .choose(let map, let operands): (map, operands, [.verdict])
        default: nil
        }
    }

    private func rules(_ layout: NFTLayout) -> [NFTRule] {
        // Rules of owners stand in the same table.
        layout.chains.flatMap(\.rules) + HoldingRow.all.filter { $0.layout == layout }.flatMap(\.holding.rules)
    }

    @Test(arguments: layouts) func whatRulesLookUpIsThereAndOfTheSameTypes(layout: NFTLayout) throws {
        for rule in rules(layout) {
            for use in rule.statements.compactMap(use) {
                let set = try #require(layout.realSets.first { $0.name == use.set }, "\(rule.comment): \(use.set)")
                #expect(use.operands.map(\.type) == set.key, "\(rule.comment): key of \(set.name)")
                #expect(use.data == set.data, "\(rule.comment): value of \(set.name)")
            }
        }
    }

    /// What nobody looks up would do nothing.
    @Test(arguments: layouts) func everySetIsLookedUpAndEveryChainCalled(layout: NFTLayout) {
        let statements = rules(layout).flatMap(\.statements)
        let used = Set(statements.compactMap(use).map(\.set))
        #expect(Set(layout.realSets.map(\.name)) == used)
        #expect(layout.sets.filter { $0.isShared && !$0.isLookedUp }.allSatisfy { !used.contains($0.name) })
        let called = Set(
            statements.compactMap { statement -> String? in
                if case .jump(let chain) = statement { chain } else { nil }
            })
        // Those of the spoof check are called by the records, to which the map of links leads.
        let byRecords: Set = layout == NFTSpoofCheck.layout ? ["addresses"] : []
        #expect(Set(layout.chains.filter { $0.hook == nil }.map(\.name)) == called.union(byRecords))
        #expect(layout.chains.contains { $0.hook != nil })
    }

    /// An address is only one once the family is known.
    @Test(arguments: layouts) func theFamilyIsAskedBeforeAnAddress(layout: NFTLayout) {
        for rule in rules(layout) {
            var known: AddressFamily?
            for statement in rule.statements {
                let asked: [AddressFamily]
                switch statement {
                case .family(let family): (known, asked) = (family, [])
                case .etherType(0x0800), .carries(0x0800): (known, asked) = (.ipv4, [])
                case .etherType(0x86DD), .carries(0x86DD): (known, asked) = (.ipv6, [])
                case .source(let prefix, _), .destination(let prefix, _): asked = [prefix.family]
                case .translateDestination(let family, _, let operands, _): asked = [family] + families(operands)
                default: asked = use(statement).map { families($0.operands) } ?? []
                }
                #expect(asked.allSatisfy { $0 == known }, "\(rule.comment)")
            }
        }
    }

    private func families(_ operands: [NFTOperand]) -> [AddressFamily] {
        operands.compactMap { operand in
            switch operand {
            case .source(let family), .destination(let family): family
            default: nil
            }
        }
    }

    /// What the kernel and nft allow: names of 127 bytes, keys and values of 64, types of five fields, comments of 128.
    @Test(arguments: layouts) func nothingIsTooLongForNFT(layout: NFTLayout) {
        for name in layout.sets.map(\.name) + layout.chains.map(\.name) + [layout.name] {
            #expect(name.wholeMatch(of: /[a-z][a-z0-9_]{0,60}/) != nil, "\(name)")
        }
        for set in layout.sets {
            for types in [set.key, set.data] {
                #expect(types.count <= 5 && types.reduce(0) { $0 + $1.paddedLength } <= 64, "\(set.name)")
            }
            #expect(!set.key.isEmpty && !set.key.contains(.verdict))
        }
        for rule in rules(layout) { #expect((1...128).contains(rule.comment.utf8.count), "\(rule.comment)") }
    }

    /// CHECK finds a rule by its comment, GC a record by its name.
    @Test(arguments: layouts) func namesAndCommentsTellApart(layout: NFTLayout) {
        #expect(Set(layout.sets.map(\.name)).count == layout.sets.count)
        #expect(Set(layout.chains.map(\.name)).count == layout.chains.count)
        for chain in layout.chains {
            #expect(!chain.name.hasPrefix(NFTOwnedTable.recordPrefix))
            #expect(Set(chain.rules.map(\.comment)).count == chain.rules.count, "\(chain.name)")
            #expect(chain.rules.isEmpty == (chain.name == layout.administration))
        }
        for rule in rules(layout) { #expect(NFTElement(rule.comment, sets: layout.sets) == nil) }
        let shared = layout.sets.filter { $0.isShared && !$0.isLookedUp }
        #expect(layout.size == layout.chains.count + layout.sets.count - shared.count)
        #expect(layout.sets.allSatisfy { $0.isShared || !$0.isLookedUp })
    }

    /// Every map whose elements somebody else may have has those who wait, with the same types.
    @Test func portsCanBeWaitedFor() {
        let maps = NFTPorts.layout.sets.filter { !$0.isShared && !$0.data.isEmpty }
        #expect(maps.count == 8)
        for map in maps {
            #expect(NFTPorts.layout.sets.contains(map.waiting) && map.waiting.isShared, "\(map.name)")
            #expect(map.waiting.key == map.key && map.waiting.data == map.data)
        }
    }

    @Test func theTablesHaveNamesOfTheirOwn() {
        #expect(Self.layouts.map(\.name) == ["cni_ports", "cni_masquerade", "cni_spoof_check", "cni_firewall"])
        #expect(Self.layouts.map(\.family) == [.inet, .inet, .bridge, .inet])
    }

    /// A chain of an administrator must be nobody else's.
    @Test(arguments: [
        "FORWARD", "INPUT", "OUTPUT", "PREROUTING", "POSTROUTING", "CNI-FORWARD", "CNI-ISOLATION-STAGE-1",
        "CNI-ISOLATION-STAGE-2", "CNI-FW-0123456789abcdef01234", "CNI-DN-0123456789abcdef01234", "CNI-HOSTPORT-DNAT",
        "CNI-623e1c388032b20529218ecc", "CNI-LOCALNET", "forward", "administrators", "isolation", "attachment_x",
        "isolated_bridges_cni0", "isolated_within_x", "same_bridge_x",
    ])
    func chainsThatAreOursAreNoAdministrators(name: String) throws {
        #expect(ContainerAdmission.isReserved(try #require(ChainName(name))))
    }

    @Test(arguments: ["CNI-ADMIN", "DOCKER-USER", "my_chain", "CNI-FWD", "isolated", "FORWARD-2"])
    func otherChainsMayBeAdministrators(name: String) throws {
        #expect(!ContainerAdmission.isReserved(try #require(ChainName(name))))
    }

    @Test func theCallOfAnAdministratorsChainTellsItsName() {
        let call = NFTLayout.call(ofAdministrator: "CNI-ADMIN")
        #expect(NFTLayout.administrator(calledBy: call.comment) == "CNI-ADMIN")
        #expect(NFTLayout.administrator(calledBy: "CNI-ADMIN") == nil)
        #expect(NFTElement(call.comment, sets: NFTFirewall.layout.sets) == nil)
    }
}
