internal import NetworkAddress
internal import Testing

@testable internal import host_local

@Suite struct AddressRangeTests {
    @Test(arguments: [
        ("10.1.0.0/24", "10.1.0.1", "10.1.0.254", "10.1.0.1"),
        ("10.1.0.0/30", "10.1.0.1", "10.1.0.2", "10.1.0.1"),
        ("fd00::/64", "fd00::1", "fd00::ffff:ffff:ffff:ffff", "fd00::1"),
        ("fd00::/126", "fd00::1", "fd00::3", "fd00::1"),
    ])
    func `a network's range is all it can give`(subnet: String, start: String, end: String, gateway: String) throws {
        let range = try AddressRange(subnet: prefix(subnet))
        #expect(range.addresses == (try address(start))...(try address(end)))
        #expect(range.gateway == (try address(gateway)))
    }

    @Test func `the ends are the ones given, without the addresses of the network and of broadcast`() throws {
        let given = try AddressRange(
            subnet: prefix("10.1.0.0/24"), start: address("10.1.0.10"), end: address("10.1.0.20"))
        #expect(given.description == "10.1.0.10-10.1.0.20")
        #expect(given.count == 11)
        let whole = try AddressRange(
            subnet: prefix("10.1.0.0/24"), start: address("10.1.0.0"), end: address("10.1.0.255"))
        #expect(whole.description == "10.1.0.1-10.1.0.254")
    }

    @Test func `a gateway may lie outside of the network`() throws {
        #expect(
            try AddressRange(subnet: prefix("10.1.0.0/24"), gateway: address("10.9.0.1")).gateway == address("10.9.0.1")
        )
    }

    @Test func `a range of nothing but the broadcast address is refused`() throws {
        let subnet = try prefix("10.1.0.0/24")
        let last = try address("10.1.0.255")
        #expect(throws: AddressRange.Failure.startAfterEnd) { try AddressRange(subnet: subnet, start: last, end: last) }
    }

    @Test func `all of IPv6 can be counted`() throws {
        #expect(try AddressRange(subnet: prefix("::/0")).count == UInt128.max)
    }
}

@Suite struct RangeSetTests {
    private func set(_ ranges: (String, String)...) throws -> RangeSet {
        try RangeSet(
            ranges.map { try AddressRange(subnet: prefix("10.1.0.0/24"), start: address($0.0), end: address($0.1)) })
    }

    private func order(_ set: RangeSet, after last: String?) throws -> [String] {
        set.searchOrder(after: try last.map(address)).map { "\($0.addresses.lowerBound)-\($0.addresses.upperBound)" }
    }

    @Test func `the search begins at the first address`() throws {
        let set = try set(("10.1.0.5", "10.1.0.9"), ("10.1.0.20", "10.1.0.29"))
        #expect(try order(set, after: nil) == ["10.1.0.5-10.1.0.9", "10.1.0.20-10.1.0.29"])
        #expect(try order(set, after: "10.9.9.9") == ["10.1.0.5-10.1.0.9", "10.1.0.20-10.1.0.29"])
    }

    @Test(arguments: [
        ("10.1.0.7", ["10.1.0.8-10.1.0.9", "10.1.0.20-10.1.0.29", "10.1.0.5-10.1.0.7"]),
        ("10.1.0.9", ["10.1.0.20-10.1.0.29", "10.1.0.5-10.1.0.9"]),
        ("10.1.0.20", ["10.1.0.21-10.1.0.29", "10.1.0.5-10.1.0.9", "10.1.0.20-10.1.0.20"]),
        ("10.1.0.29", ["10.1.0.5-10.1.0.9", "10.1.0.20-10.1.0.29"]),
    ])
    func `the search goes once round, from the address after the last`(last: String, expected: [String]) throws {
        #expect(try order(try set(("10.1.0.5", "10.1.0.9"), ("10.1.0.20", "10.1.0.29")), after: last) == expected)
    }

    @Test func `only the gateways of the set lower its capacity`() throws {
        let gateways = try Set([address("10.1.0.5"), address("10.2.0.1")])
        #expect(try set(("10.1.0.5", "10.1.0.9"), ("10.1.0.20", "10.1.0.29")).capacity(without: gateways) == 14)
    }
}
