internal import NetworkAddress

@testable internal import host_local

/// Leases in memory. It can fail at the n-th change, and it counts what is not synchronized.
final class FakeLeaseStore: LeaseStore, LeaseStores {
    struct Failure: Error {}

    var owners: [IPAddress: LeaseOwner] = [:]
    var lastReserved: [Int: IPAddress] = [:]
    /// How many more changes succeed; nil for all.
    var changesLeft: Int?
    /// Addresses that somebody takes between the search and the reservation.
    var raced: Set<IPAddress> = []
    var unsynchronized = 0
    var opened: [(location: LeaseLocation, creating: Bool)] = []
    var exists = true

    func open(_ location: LeaseLocation, creating: Bool) throws -> (any LeaseStore)? {
        opened.append((location, creating))
        return exists || creating ? self : nil
    }

    func addresses(of owner: LeaseOwner) -> [IPAddress] {
        let own = owners.filter { $0.value == owner }.keys.sorted()
        return own.isEmpty && owner.interfaceName != nil ? addresses(of: owner.withoutInterface) : own
    }

    func firstFree(in addresses: ClosedRange<IPAddress>) -> IPAddress? {
        var candidate: IPAddress? = addresses.lowerBound
        while let address = candidate, addresses.contains(address) {
            if owners[address] == nil { return address }
            candidate = address.next
        }
        return nil
    }

    func lastReserved(set: Int) -> IPAddress? { lastReserved[set] }

    func setLastReserved(_ address: IPAddress, set: Int) throws {
        try change()
        lastReserved[set] = address
    }

    func reserve(_ address: IPAddress, for owner: LeaseOwner) throws -> Bool {
        try change()
        if raced.contains(address) || owners[address] != nil { return false }
        owners[address] = owner
        return true
    }

    func release(_ address: IPAddress) throws {
        changesLeft = nil
        try change()
        owners[address] = nil
    }

    func leases() -> [(address: IPAddress, owner: LeaseOwner)] { owners.map { ($0.key, $0.value) } }

    func synchronize() throws { unsynchronized = 0 }

    private func change() throws {
        if changesLeft == 0 { throw Failure() }
        changesLeft = changesLeft.map { $0 - 1 }
        unsynchronized += 1
    }
}
