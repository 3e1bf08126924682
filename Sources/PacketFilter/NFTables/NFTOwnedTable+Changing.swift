internal import Netlink
internal import SystemPackage

extension NFTOwnedTable {
    /// A table, and what one owner has in it.
    struct Found {
        let damage: Damage
        /// What the owner's record says; nil: there is none.
        let elements: [NFTElement]?
    }

    /// What is not as it was made.
    struct Damage {
        /// Chains that are gone, or have lost rules.
        var chains: [NFTChain] = []
        /// Those of them that are gone.
        var missing: [NFTChain] = []
    }

    /// Looks at the table, and at what an owner has in it; nil where there is no table.
    ///
    /// Looked for, and not found out by trying: a transaction that fails takes ten milliseconds and more.
    func find(recordOf owner: RuleOwner) throws(PacketFilterError) -> Found? {
        guard let damage = try damage() else { return nil }
        let record = NFTOwnedTable.record(of: owner)
        return Found(
            damage: damage, elements: try connection.chain(named: record) == nil ? nil : try recorded(record))
    }

    /// What makes of what was found what an owner is to have; nil: there is no table.
    func change(
        _ holding: NFTHolding, from found: Found?, last: LastOwner
    ) throws(PacketFilterError) -> NFTChange {
        let before = found?.elements
        // What stays is not touched, but for what leads to the record, which is made anew.
        let (had, wanted) = (Set(before ?? []), Set(holding.elements))
        let old = (before ?? []).filter { !wanted.contains($0) || $0.verdictChain != nil }
        var new = holding.elements.filter { !had.contains($0) || $0.verdictChain != nil }
        var change = NFTChange()
        change.holding = holding
        if before != nil { change.oldRecord = NFTOwnedTable.record(of: holding.owner) }
        if let administrator = holding.administrator { try call(administrator, &change) }
        // What somebody has taken away of what there was comes back.
        for element in holding.elements where had.contains(element) && element.verdictChain == nil {
            if layout.isShared(element) { continue }
            if try connection.find(element) == nil { new.append(element) }
        }
        change.additions = new.filter { !layout.isShared($0) }
        guard let found else {
            change.makesTable = true
            change.newShared = holding.elements.filter(layout.isShared)
            return change
        }
        let comment = NFTOwnerComment(holding.owner).text
        change.removals = try owned(old, by: comment) + stale(change.additions, had, for: comment)
        // One chain stands for a key, wherever that leads to.
        let given = old.filter { !holding.hasKey(of: $0) }
        change.oldShared = try sharing(given, last).ending
        change.removals += try lookedUp(change.oldShared)
        change.handOvers = try handOvers(of: given, in: holding.owner.containerID)
        for element in holding.elements where layout.isShared(element) {
            if try connection.use(ofChain: element.sharedChain) == nil {
                change.newShared.append(element)
            } else if layout.isLookedUp(element), try connection.find(element) == nil {
                change.missingShared.append(element)
            }
        }
        change.repairs = found.damage
        return change
    }

    /// What deletes a record and all that it says; nil where it is gone since it was looked up.
    ///
    /// If it has come back since, it carries the same comment: that and its name are both made of the owner.
    func removal(
        of record: NFTConnection.FoundChain, last: LastOwner
    ) throws(PacketFilterError) -> (change: NFTChange, elements: [NFTElement])? {
        let rules = try connection.rules(ofChain: record.name)
        if rules.isEmpty, try connection.chain(named: record.name) == nil { return nil }
        var elements = rules.compactMap { NFTElement($0.comment, sets: layout.sets) }
        // Somebody has emptied all chains (`nft flush table`): then only the elements themselves say whose they are.
        let isEmptied = elements.isEmpty
        if isEmptied { elements = try search(record.comment) }
        var change = NFTChange()
        change.oldRecord = record.name
        change.removals = try owned(elements, by: record.comment)
        let sharing = try sharing(elements, last)
        change.oldShared = sharing.ending
        change.removals += try lookedUp(change.oldShared)
        if let owner = NFTOwnerComment(record.comment).owner {
            change.handOvers = try handOvers(of: elements, in: owner.containerID)
        }
        // Whoever shares something has a record as well.
        if sharing.hasOthers || !change.handOvers.isEmpty { return (change, elements) }
        let own = [record.name] + change.oldShared.map(\.sharedChain)
        if try isEmpty(but: own, allowsUnused: isEmptied) {
            change.deletesTable = try !holdsForeignElements(beside: record.comment)
        }
        return (change, elements)
    }

    /// Carries out a change. What somebody has taken away in between is left out, and the rest tried again.
    func run(_ change: NFTChange) throws(PacketFilterError) {
        var change = change
        while true {
            let transaction = change.transaction(layout)
            do throws(NetlinkBatchFailure) {
                try connection.run(transaction)
                return
            } catch {
                switch transaction.subject(of: error) {
                case .removal(let element) where error.errno == .noSuchFileOrDirectory:
                    change.removals.removeAll { $0 == element }
                case .addition(let element) where error.isConflict:
                    throw NFTOwnedTable.conflict(element, comment: try connection.find(element)?.comment ?? "")
                default: throw failure(error, transaction)
                }
            }
        }
    }

    /// Deletes a table that no owner has anything in: what a kill at the wrong moment has left.
    func deleteIfUnused() throws(PacketFilterError) {
        guard try isEmpty() else { return }
        let lock = try PacketFilterLock()
        defer { lock.release() }
        guard try isEmpty(), try !holdsForeignElements(beside: nil) else { return }
        var change = NFTChange()
        change.deletesTable = true
        try run(change)
    }

    // MARK: Looking ahead

    /// What somebody has taken away of the chains that always stand in the table; nil where there is no table, or one that has
    /// only what administrators have put there.
    func damage() throws(PacketFilterError) -> Damage? {
        var damage = Damage()
        for chain in layout.chains {
            let use = try connection.use(ofChain: chain.name)
            if use == nil {
                // Asked when the first one is missing, which is how it is where there is no table.
                if damage.missing.isEmpty, try connection.tableUse() == nil { return nil }
                damage.missing.append(chain)
            }
            if use ?? -1 < layout.leastUse(of: chain) { damage.chains.append(chain) }
        }
        guard layout.administration != nil, damage.missing.count == layout.chains.count else { return damage }
        return try connection.hasSet(layout.realSets.first?.name ?? "") ? damage : nil
    }

    /// Whether the table holds nothing but what always stands in it, which somebody may have taken away in part, and these
    /// chains; and, where `allowsUnused`, chains that hold nothing and that nothing leads to.
    private func isEmpty(but own: [String] = [], allowsUnused: Bool = false) throws(PacketFilterError) -> Bool {
        guard let use = try connection.tableUse(), let idle = try idleAdministrators() else { return false }
        let known = idle + own
        // A table in use is told from its size, without a list.
        guard allowsUnused || use <= layout.size + known.count else { return false }
        // By names: what is missing must not make up for a record of somebody else.
        let chains = try connection.chains(prefix: "")
        let areKnown = chains.allSatisfy { chain in
            known.contains(chain.name) || layout.chains.contains { $0.name == chain.name }
                || allowsUnused && chain.use == 0 && !chain.name.hasPrefix(NFTOwnedTable.recordPrefix)
        }
        return areKnown && use <= layout.realSets.count + chains.count
    }

    /// The chains of administrators, none of which does anything; nil where one does.
    private func idleAdministrators() throws(PacketFilterError) -> [String]? {
        guard let administration = layout.administration else { return [] }
        var idle: [String] = []
        for rule in try connection.rules(ofChain: administration) {
            // Of what is called by us alone, one use is our own.
            guard let chain = NFTLayout.administrator(calledBy: rule.comment),
                try connection.use(ofChain: chain) == 1
            else { return nil }
            idle.append(chain)
        }
        return idle
    }

    /// Sees to it that the chain of an administrator is there, and called.
    private func call(_ administrator: String, _ change: inout NFTChange) throws(PacketFilterError) {
        guard let caller = layout.administration else { return }
        if try connection.chain(named: administrator) == nil { change.newAdministrator = administrator }
        let call = NFTLayout.call(ofAdministrator: administrator)
        let rules = try connection.rules(ofChain: caller)
        if !rules.contains(where: { $0.isSame(as: call) }) { change.newCall = administrator }
    }

    /// Those shared elements that stand in sets of the kernel.
    private func lookedUp(_ elements: [NFTElement]) throws(PacketFilterError) -> [NFTElement] {
        var found: [NFTElement] = []
        for element in elements where layout.isLookedUp(element) {
            if try connection.find(element) != nil { found.append(element) }
        }
        return found
    }

    /// Those elements that are there and carry this comment: whatever somebody else has put in place of one stays.
    private func owned(_ elements: [NFTElement], by comment: String) throws(PacketFilterError) -> [NFTElement] {
        var owned: [NFTElement] = []
        for element in elements where !layout.isShared(element) {
            if try connection.find(element)?.comment == comment { owned.append(element) }
        }
        return owned
    }

    /// Elements in the way that belong to somebody who vanished without DEL: an address that a container has now is
    /// nobody else's. Ports are, and have been looked at. What is the owner's own, and not recorded, is made anew.
    private func stale(
        _ additions: [NFTElement], _ had: Set<NFTElement>, for comment: String
    ) throws(PacketFilterError) -> [NFTElement] {
        var stale: [NFTElement] = []
        for element in additions where !layout.isExclusive(element) {
            guard let found = try connection.find(element) else { continue }
            if found.comment != comment || !had.contains(element) { stale.append(element) }
        }
        return stale
    }

    /// The shared elements that have no other owner, and whether there are some that have.
    private func sharing(
        _ elements: [NFTElement], _ last: LastOwner
    ) throws(PacketFilterError) -> (ending: [NFTElement], hasOthers: Bool) {
        var ending: [NFTElement] = []
        var hasOthers = false
        for element in elements where layout.isShared(element) {
            guard let use = try connection.use(ofChain: element.sharedChain) else { continue }
            if use > 1 {
                hasOthers = true
            } else if use == 1 {
                try last(element)
                ending.append(element)
            }
        }
        return (ending, hasOthers)
    }

    /// Whether somebody has put elements into our sets that name no owner, as ours do, nor are those with this comment.
    private func holdsForeignElements(beside comment: String?) throws(PacketFilterError) -> Bool {
        for set in layout.realSets {
            let isForeign = try connection.elements(of: set.name).contains { found in
                if set.isShared {
                    let element = NFTElement(set: set, key: found.key, lastKey: nil)
                    return found.comment != element?.sharedComment
                }
                return found.comment != comment && NFTOwnerComment(found.comment).owner == nil
            }
            if isForeign { return true }
        }
        return false
    }

    /// Elements by the comment that they carry: everything is looked at.
    private func search(_ comment: String) throws(PacketFilterError) -> [NFTElement] {
        var elements: [NFTElement] = []
        for set in layout.realSets {
            for found in try connection.elements(of: set.name) where found.comment == comment {
                if let element = NFTElement(set: set, key: found.key, lastKey: found.lastKey) {
                    elements.append(element)
                }
            }
        }
        return elements
    }

    /// Which other attachments of a container take over elements that are given away.
    private func handOvers(
        of elements: [NFTElement], in containerID: String
    ) throws(PacketFilterError) -> [NFTChange.HandOver] {
        var handOvers: [NFTChange.HandOver] = []
        for element in elements where layout.isExclusive(element) {
            guard let use = try connection.use(ofChain: element.waiting.sharedChain) else { continue }
            if let found = try handOver(element, use, containerID) { handOvers.append(found) }
        }
        return handOvers
    }

    private func handOver(
        _ element: NFTElement, _ use: Int, _ containerID: String
    ) throws(PacketFilterError) -> NFTChange.HandOver? {
        for record in try connection.chains(prefix: NFTOwnedTable.recordPrefix)
        where NFTOwnerComment(record.comment).owner?.containerID == containerID {
            for rule in try connection.rules(ofChain: record.name) {
                guard let waiting = NFTElement(rule.comment, sets: layout.sets), let awaited = waiting.awaited,
                    awaited.set == element.set, awaited.key == element.key
                else { continue }
                return NFTChange.HandOver(
                    record: record, handle: rule.handle, waiting: waiting, awaited: awaited, isLast: use == 1)
            }
        }
        return nil
    }
}

extension NetlinkBatchFailure {
    /// Whether an element is in the way: one of the same key, or an interval that overlaps.
    fileprivate var isConflict: Bool { errno == .fileExists || errno == .directoryNotEmpty }
}
