import NetworkAddress
import Testing

@testable import PacketFilter

/// Intents become exactly the elements in `testdata/packet-filter/nft-*.json`.
@Suite struct NFTHoldingTests {
    @Test(arguments: HoldingRow.all) func elementsAndRulesOfAnIntent(row: HoldingRow) {
        #expect(row.holding.elements.map(\.description) == row.elements)
        #expect(row.holding.rules.map(\.text) == row.rules)
        #expect(row.holding.owner == RuleOwner(network: "net", containerID: "c1", interfaceName: "eth0"))
    }

    /// A key that is there twice would be in its own way.
    @Test(arguments: HoldingRow.all) func noKeyIsThereTwice(row: HoldingRow) {
        let keys = row.holding.elements.map { NFTElement(set: $0.set, key: $0.key) }
        #expect(Set(keys).count == keys.count)
    }

    /// What the record says is enough to take everything away, and to tell what it was.
    @Test(arguments: HoldingRow.all) func theRecordTellsEverything(row: HoldingRow) {
        let read = row.holding.elements.compactMap { NFTElement($0.description, sets: row.layout.sets) }
        #expect(read == row.holding.elements)
        let published = read.compactMap(NFTPorts.published(by:)).map(\.comparable)
        #expect(Set(published) == Set(row.published.map(\.comparable)))
    }

    /// Each element has the types of its set, and leads to a record only with rules that say who may pass.
    @Test(arguments: HoldingRow.all) func elementsFitTheirSets(row: HoldingRow) throws {
        for element in row.holding.elements {
            let set = try #require(row.layout.sets.first { $0.name == element.set })
            #expect(element.key.map(\.type) == set.key && element.data.map(\.type) == set.data, "\(element)")
            let hasInterval = element.keyBytes != element.lastKeyBytes
            #expect(!hasInterval || set.hasIntervals, "\(element)")
        }
        #expect(row.holding.elements.contains { $0.verdictChain != nil } == !row.holding.rules.isEmpty)
    }

    @Test(arguments: HoldingRow.all) func whoWaitsForAnElementKnowsWhichOne(row: HoldingRow) {
        for element in row.holding.elements {
            #expect(element.awaited == nil)
            #expect(element.waiting.awaited == element)
            #expect(element.waiting.set == "waiting_\(element.set)")
        }
    }

    /// Refused before the kernel is asked.
    @Test func conditionsAndRangesDoNotGoTogether() throws {
        let forwarding = PortForwarding(
            owner: RuleOwner(network: "n", containerID: "c", interfaceName: "eth0"),
            mappings: [
                PortMapping(.tcp, hostPorts: 80...80, containerPort: 80),
                PortMapping(.tcp, hostPorts: 9000...9004, containerPort: 9000),
            ],
            containers: [try #require(IPPrefix("10.1.0.2/24"))],
            conditions: [RuleCondition(.ipv4, .inputLink("eth0"))])
        let error = #expect(throws: PacketFilterError.self) { try NFTables().publish(forwarding) }
        #expect(error?.cause == .unsupported)
        #expect(error?.description.contains("9000-9004") == true, "\(error?.description ?? "")")
    }
}

extension NFTValue {
    /// What a key must have at this place.
    fileprivate var type: NFTType {
        switch self {
        case .address(let address): .address(address.family)
        case .everyAddress(let family): .address(family)
        case .mac: .etherAddress
        case .transport: .inetProtocol
        case .port, .ports: .inetService
        case .link: .interfaceName
        case .chain: .verdict
        }
    }
}

extension PublishedPort {
    /// In words: an unspecified address of the host is the same as none.
    fileprivate var comparable: String { "\(mapping) to \(container) port \(mapping.containerPort)" }
}
