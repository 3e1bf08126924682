internal import LinuxSystem
internal import MessageDigest
internal import SystemPackage

/// A table in which every element belongs to somebody.
///
/// What an owner has is recorded in a chain that is named after it: so DEL needs to know nothing but the owner, and looks at
/// nothing that others have, unless they share it or wait for it. Each command is one transaction, which the kernel carries out whole or not at all,
/// under a lock that all our processes share. The table comes with its first owner and goes with its last one.
struct NFTOwnedTable {
    let layout: NFTLayout
    let connection: NFTConnection

    init(_ layout: NFTLayout, by connection: PacketFilterConnection) throws(PacketFilterError) {
        self.layout = layout
        self.connection = try NFTConnection(layout, by: connection)
    }

    /// The name of the chain that records what an owner has.
    static func record(of owner: RuleOwner) -> String {
        recordPrefix(network: owner.network) + SHA512.hexadecimal(of: NFTOwnerComment.whole(owner), bytes: 10)
    }

    /// What the names of all records of a network begin with.
    static func recordPrefix(network: String) -> String {
        recordPrefix + SHA512.hexadecimal(of: network, bytes: 5) + "_"
    }

    /// What the names of all records begin with.
    static let recordPrefix = "attachment_"

    /// Called before anything changes with each shared element that loses its last owner.
    typealias LastOwner = (NFTElement) throws(PacketFilterError) -> Void

    /// Gives an owner what it is to have, in place of what it may have had.
    ///
    /// - Parameters:
    ///   - resolve: looks, under the lock, for what is in the way, and throws because of it or says for which elements the
    ///     owner has to wait. It is given the elements that the owner has already; nil where there is no table.
    ///   - finish: the last step, under the lock; when it throws, everything is taken back.
    func add(
        _ holding: NFTHolding,
        resolve: ([NFTElement]?) throws(PacketFilterError) -> Set<NFTElement> = { _ in [] },
        finish: () throws(PacketFilterError) -> Void = { () throws(PacketFilterError) in },
        last: LastOwner = { _ throws(PacketFilterError) in }
    ) throws(PacketFilterError) {
        let lock = try PacketFilterLock()
        defer { lock.release() }
        let found = try find(recordOf: holding.owner)
        let waiting = try resolve(found.map { $0.elements ?? [] })
        var holding = holding
        holding.elements = holding.elements.map { waiting.contains($0) ? $0.waiting : $0 }
        let change = try change(holding, from: found, last: last)
        do throws(PacketFilterError) { try run(change) } catch {
            // The kernel's answer got lost: nobody knows whether it has been done.
            if error.cause == .kernel(.ioError) { takeBack(holding.owner, last) }
            throw error
        }
        do throws(PacketFilterError) { try finish() } catch {
            takeBack(holding.owner, last)
            throw error
        }
    }

    /// Removes what an owner has, which is returned.
    @discardableResult
    func remove(
        _ owner: RuleOwner, last: LastOwner = { _ throws(PacketFilterError) in }
    ) throws(PacketFilterError) -> [NFTElement] {
        // Most containers have nothing here: then there is no need for the lock.
        guard let record = try connection.chain(named: NFTOwnedTable.record(of: owner)) else {
            try deleteIfUnused()
            return []
        }
        let lock = try PacketFilterLock()
        defer { lock.release() }
        return try remove(record, last)
    }

    /// Removes what an owner has, as far as that can be done.
    private func takeBack(_ owner: RuleOwner, _ last: LastOwner) {
        guard let record = try? connection.chain(named: NFTOwnedTable.record(of: owner)) else { return }
        _ = try? remove(record, last)
    }

    private func remove(
        _ record: NFTConnection.FoundChain, _ last: LastOwner
    ) throws(PacketFilterError) -> [NFTElement] {
        guard let (change, elements) = try removal(of: record, last: last) else { return [] }
        try run(change)
        return elements
    }

    /// Removes what belongs to owners of a network that are not among `living`.
    @discardableResult
    func collectGarbage(
        network: String, living: Set<RuleOwner>, last: LastOwner = { _ throws(PacketFilterError) in }
    ) throws(PacketFilterError) -> [NFTElement] {
        let kept = Set(living.map(NFTOwnedTable.record))
        let prefix = NFTOwnedTable.recordPrefix(network: network)
        let stale = try connection.chains(prefix: prefix).filter { !kept.contains($0.name) }
        if stale.isEmpty {
            try deleteIfUnused()
            return []
        }
        let lock = try PacketFilterLock()
        defer { lock.release() }
        var removed: [NFTElement] = []
        for record in stale { removed += try remove(record, last) }
        return removed
    }

    /// What a record says; nothing where there is none.
    func recorded(_ record: String) throws(PacketFilterError) -> [NFTElement] {
        try connection.rules(ofChain: record).compactMap { NFTElement($0.comment, sets: layout.sets) }
    }
}
