internal import Netlink
internal import SystemPackage

extension NFTOwnedTable {
    /// Makes what an owner is to have of what it had; nil: nothing, and no record.
    func change(
        _ holding: NFTHolding, from before: [NFTElement]?, last: LastOwner
    ) throws(PacketFilterError) {
        let record = NFTOwnedTable.record(of: holding.owner)
        let comment = NFTOwnerComment(holding.owner).text
        // What stays is not touched.
        let (had, wanted) = (Set(before ?? []), Set(holding.elements))
        var old = (before ?? []).filter { !wanted.contains($0) }
        let new = holding.elements.filter { !had.contains($0) }
        // Looked for, and not found out by trying: a transaction that fails takes ten milliseconds and more.
        var hasTable = before != nil
        if !hasTable { hasTable = try connection.tableUse() != nil }
        // One chain stands for a key, wherever that leads to.
        let ending = try ending(among: old.filter { !holding.hasKey(of: $0) }, last)
        var missing: [NFTElement] = []
        for element in holding.elements where layout.isShared(element) {
            if try connection.use(ofChain: element.sharedChain) == nil { missing.append(element) }
        }
        while true {
            var transaction = NFTTransaction(layout)
            if !hasTable { transaction.addLayout() }
            for element in old where !layout.isShared(element) { transaction.delete(element) }
            if before != nil { transaction.deleteRecord(record) }
            for element in missing { transaction.addShared(element) }
            transaction.addRecord(record, comment: comment, rules: holding.rules, holding.elements)
            for element in ending { transaction.deleteShared(element) }
            for element in new where !layout.isShared(element) { transaction.add(element, comment: comment) }
            do throws(NetlinkBatchFailure) {
                try connection.run(transaction)
                return
            } catch {
                switch transaction.subject(of: error) {
                case .removal(let element) where error.errno == .noSuchFileOrDirectory && old.contains(element):
                    old.removeAll { $0 == element }
                case .addition(let element) where error.isConflict:
                    throw NFTOwnedTable.conflict(element, comment: try connection.find(element)?.comment ?? "")
                default: throw failure(error, transaction)
                }
            }
        }
    }

    /// Deletes a record and what it says, which is returned.
    func remove(record: String, last: LastOwner) throws(PacketFilterError) -> [NFTElement] {
        guard let elements = try recorded(record) else { return [] }
        let comment = try connection.chain(named: record)?.comment ?? ""
        let ending = try ending(among: elements, last)
        var absent: Set<NFTElement> = []
        while true {
            var transaction = NFTTransaction(layout)
            for element in elements where !layout.isShared(element) && !absent.contains(element) {
                transaction.delete(element)
            }
            transaction.deleteRecord(record)
            for element in ending { transaction.deleteShared(element) }
            do throws(NetlinkBatchFailure) {
                try connection.run(transaction)
                break
            } catch {
                // Somebody took an element away by hand: then that is done.
                guard case .removal(let element) = transaction.subject(of: error),
                    error.errno == .noSuchFileOrDirectory, absent.insert(element).inserted
                else { throw failure(error, transaction) }
            }
        }
        if let owner = NFTOwnerComment(comment).owner { try handOver(elements, of: owner.containerID) }
        try deleteTableIfUnused()
        return elements
    }

    /// The shared elements that have no other owner.
    private func ending(among elements: [NFTElement], _ last: LastOwner) throws(PacketFilterError) -> [NFTElement] {
        var ending: [NFTElement] = []
        for element in elements where layout.isShared(element) {
            guard try connection.use(ofChain: element.sharedChain) == 1 else { continue }
            try last(element)
            ending.append(element)
        }
        return ending
    }

    private func deleteTableIfUnused() throws(PacketFilterError) {
        guard let use = try connection.tableUse(), use <= layout.size else { return }
        var transaction = NFTTransaction(layout)
        transaction.deleteTable()
        do throws(NetlinkBatchFailure) { try connection.run(transaction) } catch {
            if error.errno == .noSuchFileOrDirectory { return }
            throw failure(error, transaction)
        }
    }

    // MARK: Waiting

    /// Gives elements that were removed to another attachment of the same container that waits for them.
    func handOver(_ elements: [NFTElement], of containerID: String) throws(PacketFilterError) {
        for element in elements where layout.sets.contains(where: { $0.name == element.waiting.set }) {
            guard try connection.use(ofChain: element.waiting.sharedChain) != nil else { continue }
            for record in try connection.chains(prefix: NFTOwnedTable.recordPrefix)
            where NFTOwnerComment(record.comment).owner?.containerID == containerID {
                if try handOver(element, to: record) { break }
            }
        }
    }

    /// False where this is not who waits for it.
    private func handOver(_ element: NFTElement, to record: NFTConnection.FoundChain) throws(PacketFilterError) -> Bool
    {
        for rule in try connection.rules(ofChain: record.name) ?? [] {
            guard let waiting = NFTElement(rule.comment, sets: layout.sets), let awaited = waiting.awaited,
                awaited.set == element.set, awaited.key == element.key
            else { continue }
            let isLast = try connection.use(ofChain: waiting.sharedChain) == 1
            var transaction = NFTTransaction(layout)
            transaction.deleteRule(rule.handle, ofRecord: record.name)
            transaction.addRule(for: awaited, toRecord: record.name)
            if isLast { transaction.deleteShared(waiting) }
            transaction.add(awaited, comment: record.comment)
            do throws(NetlinkBatchFailure) { try connection.run(transaction) } catch {
                throw failure(error, transaction)
            }
            return true
        }
        return false
    }
}

extension NetlinkBatchFailure {
    /// Whether an element is in the way: one of the same key, or an interval that overlaps.
    fileprivate var isConflict: Bool { errno == .fileExists || errno == .directoryNotEmpty }
}
