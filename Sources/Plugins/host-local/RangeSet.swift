internal import NetworkAddress

/// Ranges of one family, none of which overlap: an attachment gets one address from each set.
struct RangeSet: Equatable, Sendable, CustomStringConvertible {
    /// At least one.
    let ranges: [AddressRange]

    /// Why ranges make no set; indexes into the ranges.
    enum Failure: Error, Equatable {
        case empty
        case mixedFamilies(index: Int)
        case overlap(Int, Int)
    }

    init(_ ranges: [AddressRange]) throws(Failure) {
        guard let first = ranges.first else { throw .empty }
        for (index, range) in ranges.enumerated() {
            guard range.family == first.family else { throw .mixedFamilies(index: index) }
            if let other = ranges[..<index].firstIndex(where: range.overlaps) { throw .overlap(other, index) }
        }
        self.ranges = ranges
        family = first.family
    }

    let family: AddressFamily

    /// The range that holds an address.
    func range(of address: IPAddress) -> AddressRange? {
        ranges.first { $0.addresses.contains(address) }
    }

    func contains(_ address: IPAddress) -> Bool { range(of: address) != nil }

    func overlaps(_ other: RangeSet) -> Bool {
        ranges.contains { range in other.ranges.contains(where: range.overlaps) }
    }

    /// How many addresses can be handed out, when `gateways` and what the ranges exclude never are.
    func capacity(without gateways: Set<IPAddress>) -> UInt128 {
        ranges.reduce(0) { sum, range in
            let exclusions = range.exclusions
            let excluded = exclusions.reduce(0) { $0 + ($1.upperBound.number - $1.lowerBound.number + 1) }
            let more = gateways.count { gateway in
                range.addresses.contains(gateway) && !exclusions.contains { $0.contains(gateway) }
            }
            return sum + range.count - excluded - UInt128(more)
        }
    }

    /// Addresses of a range, in which to look for a free one.
    struct Candidates: Equatable {
        let range: AddressRange
        let addresses: ClosedRange<IPAddress>
    }

    /// The order in which to look for a free address: from the one after `last` to the end of its range, then range by
    /// range, and round to `last` itself.
    func searchOrder(after last: IPAddress?) -> [Candidates] {
        let all = ranges.map { Candidates(range: $0, addresses: $0.addresses) }
        guard let last, let index = ranges.firstIndex(where: { $0.addresses.contains(last) }) else { return all }
        let range = ranges[index]
        var order = all[(index + 1)...] + all[..<index]
        if last < range.addresses.upperBound, let next = last.next {
            order.insert(Candidates(range: range, addresses: next...range.addresses.upperBound), at: order.startIndex)
        }
        order.append(Candidates(range: range, addresses: range.addresses.lowerBound...last))
        return Array(order)
    }

    var description: String { ranges.map(\.description).joined(separator: ", ") }
}
