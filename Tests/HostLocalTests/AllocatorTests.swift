internal import CNI
internal import NetworkAddress
internal import Testing

@testable internal import host_local

@Suite struct AllocatorTests {
    private let store = FakeLeaseStore()

    private func allocator(_ sets: [String]...) throws -> Allocator {
        let sets = try sets.map { try RangeSet($0.map { try AddressRange(subnet: prefix($0)) }) }
        return Allocator(sets: sets, gateways: Set(sets.flatMap { $0.ranges.map(\.gateway) }), store: store)
    }

    private func add(_ container: String, _ allocator: Allocator, requested: [String?]? = nil) throws -> [String] {
        let requested = try requested?.map { try $0.map(address) } ?? allocator.sets.map { _ in nil }
        return try allocator.allocate(for: Requests.attachment(container), requested: requested)
            .map { $0.address.description }
    }

    @Test func `addresses go round, and a gateway is never among them`() throws {
        let allocator = try allocator(["10.1.0.0/29"])
        #expect(
            try (0..<4).map { try add("c\($0)", allocator) } == [
                ["10.1.0.2"], ["10.1.0.3"], ["10.1.0.4"], ["10.1.0.5"],
            ])
        try store.release(address("10.1.0.2"))
        #expect(try add("d", allocator) == ["10.1.0.6"])
        #expect(try add("e", allocator) == ["10.1.0.2"])
        #expect(store.unsynchronized == 0)
    }

    @Test func `what is excluded is never handed out, and does not count`() throws {
        let range = try AddressRange(
            subnet: prefix("10.1.0.0/28"),
            excluded: [prefix("10.1.0.4/30"), prefix("10.1.0.5/32"), prefix("10.1.0.14/32"), prefix("10.1.0.0/32")])
        let allocator = Allocator(sets: [try RangeSet([range])], gateways: [try address("10.1.0.1")], store: store)
        #expect(
            try (0..<8).map { try add("c\($0)", allocator) } == [2, 3, 8, 9, 10, 11, 12, 13].map { ["10.1.0.\($0)"] })
        let error = #expect(throws: CNIError.self) { try add("d", allocator) }
        #expect(error?.message == "no addresses left in 10.1.0.1-10.1.0.14: 8 of 8 are taken")
        #expect(try allocator.exhausted().count == 1)
        try store.release(address("10.1.0.9"))
        #expect(try allocator.exhausted() == [])
    }

    @Test func `a large excluded network is passed over in one step, and a gateway in it counts once`() throws {
        let range = try AddressRange(subnet: prefix("fd00::/64"), excluded: [prefix("fd00::/65")])
        let set = try RangeSet([range])
        let allocator = Allocator(sets: [set], gateways: [range.gateway], store: store)
        #expect(try add("a", allocator) == ["fd00::8000:0:0:0"])
        #expect(set.capacity(without: [range.gateway]) == 1 << 63)
    }

    @Test func `an address given back is the last to be handed out again`() throws {
        let allocator = try allocator(["10.1.0.0/29"])
        var seen: [String] = []
        for _ in 0..<6 {
            seen += try add("loop", allocator)
            for held in store.owners.keys { try store.release(held) }
        }
        #expect(seen == ["10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6", "10.1.0.2"])
    }

    @Test func `ranges of a set follow each other`() throws {
        let allocator = try allocator(["10.1.0.0/30", "10.2.0.0/30"])
        #expect(try ["a", "b"].map { try add($0, allocator) } == [["10.1.0.2"], ["10.2.0.2"]])
        let error = #expect(throws: CNIError.self) { try add("c", allocator) }
        #expect(error?.message == "no addresses left in 10.1.0.1-10.1.0.2, 10.2.0.1-10.2.0.2: 2 of 2 are taken")
    }

    @Test func `the gateway of another range is not handed out either`() throws {
        let sets = try [
            RangeSet([AddressRange(subnet: prefix("10.1.0.0/29"), gateway: address("10.1.0.9"))]),
            RangeSet([AddressRange(subnet: prefix("10.2.0.0/29"), gateway: address("10.1.0.1"))]),
        ]
        let allocator = Allocator(sets: sets, gateways: Set(sets.flatMap { $0.ranges.map(\.gateway) }), store: store)
        #expect(try add("a", allocator) == ["10.1.0.2", "10.2.0.1"])
    }

    @Test func `one address of every set`() throws {
        #expect(try add("a", allocator(["10.1.0.0/24"], ["fd00::/64"])) == ["10.1.0.2", "fd00::2"])
    }

    @Test func `when the second set is exhausted, the address of the first is given back`() throws {
        let allocator = try allocator(["10.1.0.0/24"], ["10.2.0.0/30"])
        _ = try add("a", allocator)
        #expect(throws: CNIError.self) { try add("b", allocator) }
        #expect(store.owners.keys.sorted() == (try [address("10.1.0.2"), address("10.2.0.2")]))
        #expect(store.lastReserved[0] == (try address("10.1.0.2")))
        #expect(store.unsynchronized == 0)
    }

    @Test(arguments: 0..<4)
    func `whichever change fails, nothing stays taken`(changes: Int) throws {
        store.changesLeft = changes
        #expect(throws: FakeLeaseStore.Failure.self) { try add("a", allocator(["10.1.0.0/24"], ["fd00::/64"])) }
        #expect(store.owners.isEmpty)
    }

    @Test func `a second ADD is refused and changes nothing`() throws {
        let allocator = try allocator(["10.1.0.0/24"])
        _ = try add("a", allocator)
        let error = #expect(throws: CNIError.self) { try add("a", allocator, requested: ["10.1.0.9"]) }
        #expect(error?.message == "eth0 of container a on network net already has 10.1.0.2")
        #expect(store.owners.count == 1)
    }

    @Test func `a lease of old, which names the container alone, counts too`() throws {
        store.owners[try address("10.1.0.7")] = LeaseOwner(containerID: "a")
        #expect(throws: CNIError.self) { try add("a", allocator(["10.1.0.0/24"])) }
        #expect(store.owners.count == 1)
    }

    @Test func `a lease outside of the ranges does not keep an ADD from succeeding`() throws {
        store.owners[try address("10.9.0.7")] = LeaseOwner(Requests.attachment("a"))
        #expect(try add("a", allocator(["10.1.0.0/24"])) == ["10.1.0.2"])
    }

    @Test func `a requested address is taken, and the search goes on behind it`() throws {
        let allocator = try allocator(["10.1.0.0/24"])
        #expect(try add("a", allocator, requested: ["10.1.0.40"]) == ["10.1.0.40"])
        #expect(try add("b", allocator) == ["10.1.0.41"])
        let error = #expect(throws: CNIError.self) { try add("c", allocator, requested: ["10.1.0.40"]) }
        #expect(error?.message == "the requested address 10.1.0.40 of 10.1.0.1-10.1.0.254 is taken")
        #expect(store.owners.count == 2)
    }

    @Test func `an address that turns out to be taken is passed over`() throws {
        store.raced = try [address("10.1.0.2"), address("10.1.0.3")]
        #expect(try add("a", allocator(["10.1.0.0/24"])) == ["10.1.0.4"])
    }

    @Test func `sets without a free address are told`() throws {
        let allocator = try allocator(["10.1.0.0/24"], ["10.2.0.0/30"])
        #expect(try allocator.exhausted().isEmpty)
        _ = try add("a", allocator)
        #expect(try allocator.exhausted().map(\.description) == ["10.2.0.1-10.2.0.2"])
    }
}
