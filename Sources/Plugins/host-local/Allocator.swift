internal import CNI
internal import NetworkAddress

/// Chooses addresses: one from each set, the requested one or the next free one after that which was handed out last,
/// so that a container in a crash loop does not get the same one again and again.
struct Allocator {
    let sets: [RangeSet]
    /// Never handed out.
    let gateways: Set<IPAddress>
    let store: any LeaseStore

    /// An address that was handed out, and the range that it is from.
    struct Allocation: Equatable {
        let address: IPAddress
        let range: AddressRange
    }

    /// Takes one address from each set; all or none.
    ///
    /// - Parameter requested: for each set the address to take, nil for any.
    func allocate(for attachment: Attachment, requested: [IPAddress?]) throws -> [Allocation] {
        let owner = LeaseOwner(attachment)
        let held = try (store.addresses(of: owner) + store.addresses(of: owner.withoutInterface)).filter(isOurs)
        guard held.isEmpty else {
            throw CNIError(
                .failed, "\(attachment) already has \(Set(held).sorted().map(\.description).joined(separator: ", "))",
                details: "an attachment is added once; DEL comes before the next ADD")
        }
        var taken: [Allocation] = []
        do {
            for (index, set) in sets.enumerated() {
                taken.append(try take(requested[index], from: set, index, for: owner))
            }
            for (index, allocation) in taken.enumerated() { try store.setLastReserved(allocation.address, set: index) }
            try store.synchronize()
        } catch {
            for allocation in taken.reversed() { try? store.release(allocation.address) }
            try? store.synchronize()
            throw error
        }
        return taken
    }

    /// The sets that have no address left.
    func exhausted() throws -> [RangeSet] {
        try sets.filter { set in
            try set.ranges.allSatisfy { try firstFree(in: $0.addresses, of: $0) == nil }
        }
    }

    /// What to say about sets that have no address left.
    func exhaustion(of set: RangeSet) -> String {
        let capacity = set.capacity(without: gateways)
        return "no addresses left in \(set): \(capacity) of \(capacity) are taken"
    }

    private func isOurs(_ address: IPAddress) -> Bool { sets.contains { $0.contains(address) } }

    private func take(
        _ requested: IPAddress?, from set: RangeSet, _ index: Int, for owner: LeaseOwner
    ) throws -> Allocation {
        if let requested, let range = set.range(of: requested) {
            guard try store.reserve(requested, for: owner) else {
                throw CNIError(.failed, "the requested address \(requested) of \(set) is taken")
            }
            return Allocation(address: requested, range: range)
        }
        for place in set.searchOrder(after: try store.lastReserved(set: index)) {
            var rest: ClosedRange<IPAddress>? = place.addresses
            while let candidates = rest, let free = try firstFree(in: candidates, of: place.range) {
                if try store.reserve(free, for: owner) { return Allocation(address: free, range: place.range) }
                rest = candidates.after(free)
            }
        }
        throw CNIError(.failed, exhaustion(of: set))
    }

    /// The first address of these, which lie in a range, that is neither taken nor a gateway nor excluded.
    private func firstFree(in addresses: ClosedRange<IPAddress>, of range: AddressRange) throws -> IPAddress? {
        let exclusions = range.exclusions
        var rest: ClosedRange<IPAddress>? = addresses
        while let candidates = rest, let free = try store.firstFree(in: candidates) {
            if let excluded = exclusions.first(where: { $0.contains(free) }) {
                rest = candidates.after(excluded.upperBound)
            } else if gateways.contains(free) {
                rest = candidates.after(free)
            } else {
                return free
            }
        }
        return nil
    }
}

extension ClosedRange<IPAddress> {
    /// What follows an address in this range; nil where nothing does.
    func after(_ address: IPAddress) -> ClosedRange<IPAddress>? {
        guard address < upperBound, let next = address.next else { return nil }
        return next...upperBound
    }
}
