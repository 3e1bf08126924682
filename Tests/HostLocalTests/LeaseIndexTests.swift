internal import LinuxSystem
internal import NetworkAddress
internal import Testing

@testable internal import host_local

@Suite struct LeaseIndexTests {
    private func filled(_ texts: [String]) throws -> LeaseIndex {
        let index = LeaseIndex(nil)
        try index.fill(try texts.map { LeaseIndex.Entry(owner: IndexHash.of($0.utf8), address: try address($0)) })
        return index
    }

    /// The lease of the owner of this number.
    private func entry(_ owner: UInt64, _ address: IPAddress) -> LeaseIndex.Entry {
        LeaseIndex.Entry(owner: IndexHash.of(words: [owner]), address: address)
    }

    private func free(_ index: LeaseIndex, _ first: String, _ last: String) throws -> String? {
        try index.firstFree(in: address(first)...address(last))?.description
    }

    @Test func `the first free address is found within a node, beyond it and beyond full nodes`() throws {
        let all = try prefix("10.1.0.0/16")
        let index = LeaseIndex(nil)
        try index.fill((0..<65536).map { entry($0, IPAddress(.ipv4, number: all.first.number + UInt128($0))) })
        #expect(try free(index, "10.1.0.0", "10.1.255.255") == nil)
        #expect(try free(index, "10.1.0.0", "10.2.0.0") == "10.2.0.0")
        #expect(try free(index, "10.0.255.255", "10.2.0.0") == "10.0.255.255")
        try index.remove(entry(0xFF05, address("10.1.255.5")))
        #expect(try free(index, "10.1.0.0", "10.1.255.255") == "10.1.255.5")
        #expect(try free(index, "10.1.255.6", "10.1.255.255") == nil)
        #expect(try free(index, "10.1.0.0", "10.1.255.4") == nil)
        try index.insert(LeaseIndex.Entry(owner: 1, address: address("10.1.255.5")))
        #expect(try free(index, "10.1.0.0", "10.1.255.255") == nil)
    }

    @Test func `the ends of both families are no obstacle`() throws {
        let index = try filled(["255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::", "0.0.0.0"])
        #expect(try free(index, "255.255.255.254", "255.255.255.255") == "255.255.255.254")
        #expect(try free(index, "255.255.255.255", "255.255.255.255") == nil)
        let last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        #expect(try free(index, last, last) == nil)
        #expect(try free(index, "::", last) == "::1")
        #expect(try free(index, "0.0.0.0", "0.0.0.9") == "0.0.0.1")
    }

    @Test func `it answers as a set and a dictionary would, through growth and removal`() throws {
        var random = Seeded(state: 42)
        let index = LeaseIndex(nil)
        try index.fill([])
        var model: [IPAddress: UInt64] = [:]
        let base = try address("fd00::ffff:ff00").number
        for _ in 0..<3000 {
            let address = IPAddress(.ipv6, number: base + UInt128(UInt64.random(in: 0..<600, using: &random)))
            let owner = IndexHash.of(words: [UInt64.random(in: 0..<100, using: &random)])
            if let held = model[address] {
                try index.remove(LeaseIndex.Entry(owner: held, address: address))
                model[address] = nil
            } else {
                try index.insert(LeaseIndex.Entry(owner: owner, address: address))
                model[address] = owner
            }
            let start = base + UInt128(UInt64.random(in: 0..<600, using: &random))
            let expected = (start...(base + 600)).first { model[IPAddress(.ipv6, number: $0)] == nil }
            let range = IPAddress(.ipv6, number: start)...IPAddress(.ipv6, number: base + 600)
            #expect(try index.firstFree(in: range)?.number == expected)
        }
        for owner in UInt64(0)..<500 {
            let expected = model.filter { $0.value == owner }.keys.sorted()
            #expect(try index.addresses(ofOwner: owner).sorted() == expected)
        }
    }

    @Test func `owners of one hash are told apart by nobody but the file, and all are found`() throws {
        let index = LeaseIndex(nil)
        try index.fill([])
        for number in 1...200 {
            try index.insert(LeaseIndex.Entry(owner: 7, address: IPAddress(.ipv4, number: UInt128(number))))
        }
        #expect(try index.addresses(ofOwner: 7).count == 200)
        #expect(try index.addresses(ofOwner: 8).isEmpty)
    }

    @Test func `what is not in the index cannot be removed from it`() throws {
        let index = try filled(["10.1.0.2"])
        #expect(throws: IndexDamage.self) {
            try index.remove(LeaseIndex.Entry(owner: 1, address: address("10.1.0.2")))
        }
    }

    /// A generator that gives the same numbers in every run (splitmix64).
    struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
    }
}
