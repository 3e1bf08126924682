internal import Netlink

/// One transaction of a table with owners, found out beforehand and under the lock: a value, so that what fails half way can
/// be tried again without the part that failed.
struct NFTChange {
    /// One owner takes over an element for which it has waited.
    struct HandOver {
        let record: NFTConnection.FoundChain
        /// The number of the rule that says that it waits.
        let handle: UInt64
        let waiting: NFTElement
        let awaited: NFTElement
        /// Whether nobody else waits.
        let isLast: Bool
    }

    /// Whether the table has to be made first.
    var makesTable = false
    /// Whether the table goes, with all that is in it.
    var deletesTable = false
    /// What of the table itself comes back.
    var repairs = NFTOwnedTable.Damage()
    /// The chain of an administrator that is to be made.
    var newAdministrator: String?
    /// The chain of an administrator that is to be called.
    var newCall: String?
    var removals: [NFTElement] = []
    /// The record to delete.
    var oldRecord: String?
    /// Shared elements that nobody has had.
    var newShared: [NFTElement] = []
    /// Shared elements that somebody has taken out of their sets.
    var missingShared: [NFTElement] = []
    /// Shared elements that nobody has any more.
    var oldShared: [NFTElement] = []
    var handOvers: [HandOver] = []
    /// What is recorded anew.
    var holding: NFTHolding?
    /// Those elements of ``holding`` that are not there yet.
    var additions: [NFTElement] = []

    func transaction(_ layout: NFTLayout) -> NFTTransaction {
        var transaction = NFTTransaction(layout)
        if deletesTable {
            transaction.deleteTable()
            return transaction
        }
        if makesTable { transaction.addLayout() }
        for chain in repairs.missing { transaction.add(chain) }
        for chain in repairs.chains { transaction.renew(chain) }
        if let newAdministrator { transaction.addAdministrator(newAdministrator) }
        if let newCall { transaction.call(administrator: newCall) }
        for element in removals { transaction.delete(element) }
        if let oldRecord { transaction.deleteRecord(oldRecord) }
        for element in newShared { transaction.addShared(element) }
        for element in missingShared { transaction.addLookedUp(element) }
        if let holding {
            transaction.addRecord(
                NFTOwnedTable.record(of: holding.owner), comment: NFTOwnerComment(holding.owner).text,
                rules: holding.rules, holding.elements)
        }
        for handOver in handOvers {
            transaction.deleteRule(handOver.handle, ofRecord: handOver.record.name)
            transaction.addRule(for: handOver.awaited, toRecord: handOver.record.name)
            if handOver.isLast { transaction.deleteShared(handOver.waiting) }
            transaction.add(handOver.awaited, comment: handOver.record.comment)
        }
        for element in oldShared { transaction.deleteShared(element) }
        if let holding {
            for element in additions { transaction.add(element, comment: NFTOwnerComment(holding.owner).text) }
        }
        return transaction
    }
}
