internal import NetworkAddress

/// The leases of one network, for as long as one command holds them: nobody else changes them meanwhile.
protocol LeaseStore: AnyObject {
    /// The addresses that `owner` has: those under its own name, or, where there is none, those that files of old hold
    /// for its container.
    func addresses(of owner: LeaseOwner) throws -> [IPAddress]

    /// The first address of these that nobody has.
    func firstFree(in addresses: ClosedRange<IPAddress>) throws -> IPAddress?

    /// The address that was handed out last from the set of this index.
    func lastReserved(set: Int) throws -> IPAddress?

    /// Remembers the address that was handed out last from a set.
    func setLastReserved(_ address: IPAddress, set: Int) throws

    /// Takes an address; false where somebody has it.
    func reserve(_ address: IPAddress, for owner: LeaseOwner) throws -> Bool

    /// Gives an address back.
    func release(_ address: IPAddress) throws

    /// All leases whose files say whose they are.
    func leases() throws -> [(address: IPAddress, owner: LeaseOwner)]

    /// Waits until every change is safe from a loss of power.
    func synchronize() throws
}

/// Where networks' leases are found.
protocol LeaseStores {
    /// Waits for the leases of a network. Nil where there are none, unless `creating`.
    func open(_ location: LeaseLocation, creating: Bool) throws -> (any LeaseStore)?
}
