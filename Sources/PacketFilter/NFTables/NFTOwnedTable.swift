internal import LinuxSystem
internal import MessageDigest
internal import Netlink
internal import SystemPackage

/// A table in which every element belongs to somebody.
///
/// What an owner has is recorded in a chain that is named after it: so DEL needs to know nothing but the owner, and no
/// command looks at what others have. Each command is one transaction, which the kernel carries out whole or not at all,
/// under a lock that all our processes share. The table comes with its first owner and goes with its last one.
struct NFTOwnedTable {
    let layout: NFTLayout
    private let connection: NFTConnection

    init(_ layout: NFTLayout) throws(PacketFilterError) {
        self.layout = layout
        connection = try NFTConnection(layout)
    }

    // MARK: Names

    /// The name of the chain that records what an owner has.
    static func record(of owner: RuleOwner) -> String {
        let text = owner.network + "/" + owner.containerID + "/" + owner.interfaceName
        return recordPrefix(network: owner.network) + SHA512.hexadecimal(of: text, bytes: 10)
    }

    /// What the names of all records of a network begin with.
    static func recordPrefix(network: String) -> String {
        "attachment_" + SHA512.hexadecimal(of: network, bytes: 5) + "_"
    }

    /// The text that says whose an element is.
    static func comment(_ owner: RuleOwner) -> String {
        owner.network + "/" + owner.containerID + "/" + owner.interfaceName
    }

    /// What ``comment(_:)`` wrote, in words.
    static func ownerText(_ comment: String) -> String {
        let parts = comment.split(separator: "/", maxSplits: 2).map(String.init)
        guard parts.count == 3 else { return comment.isEmpty ? "somebody unknown" : comment }
        return RuleOwner(network: parts[0], containerID: parts[1], interfaceName: parts[2]).description
    }

    // MARK: Changing

    /// Gives an owner these elements, in place of what it may have had.
    ///
    /// - Parameters:
    ///   - checkConflicts: looks, under the lock, for what the kernel cannot see for itself. It is given the elements that
    ///     the owner has already.
    ///   - finish: the last step, under the lock; when it throws, the elements are taken back.
    ///   - last: called before anything changes with each shared element that loses its last owner.
    func add(
        _ elements: [NFTElement], for owner: RuleOwner,
        checkConflicts: (NFTConnection, [NFTElement]) throws(PacketFilterError) -> Void = { _, _ throws(PacketFilterError) in },
        finish: () throws(PacketFilterError) -> Void = { () throws(PacketFilterError) in },
        last: (NFTElement) throws(PacketFilterError) -> Void = { _ throws(PacketFilterError) in }
    ) throws(PacketFilterError) {
        let lock = try PacketFilterLock()
        defer { lock.release() }
        let before = try recorded(NFTOwnedTable.record(of: owner))
        try checkConflicts(connection, before ?? [])
        try change(owner, from: before, to: elements, last: last)
        do throws(PacketFilterError) { try finish() } catch {
            _ = try? remove(record: NFTOwnedTable.record(of: owner), before: last)
            throw error
        }
    }

    /// Removes what an owner has, which is returned.
    ///
    /// - Parameter last: called, under the lock and before anything is removed, with each shared element of which this
    ///   owner is the last one.
    @discardableResult
    func remove(
        _ owner: RuleOwner, last: (NFTElement) throws(PacketFilterError) -> Void = { _ throws(PacketFilterError) in }
    ) throws(PacketFilterError) -> [NFTElement] {
        // Most containers have nothing here: then there is no need for the lock.
        if try recorded(NFTOwnedTable.record(of: owner)) == nil { return [] }
        let lock = try PacketFilterLock()
        defer { lock.release() }
        return try remove(record: NFTOwnedTable.record(of: owner), before: last)
    }

    /// Removes what belongs to owners of a network that are not among `living`.
    @discardableResult
    func collectGarbage(
        network: String, living: Set<RuleOwner>,
        last: (NFTElement) throws(PacketFilterError) -> Void = { _ throws(PacketFilterError) in }
    ) throws(PacketFilterError) -> [NFTElement] {
        let kept = Set(living.map(NFTOwnedTable.record))
        let prefix = NFTOwnedTable.recordPrefix(network: network)
        let stale = try connection.chains(prefix: prefix).filter { !kept.contains($0) }
        if stale.isEmpty { return [] }
        let lock = try PacketFilterLock()
        defer { lock.release() }
        var removed: [NFTElement] = []
        for record in stale { removed += try remove(record: record, before: last) }
        return removed
    }

    private func recorded(_ record: String) throws(PacketFilterError) -> [NFTElement]? {
        try connection.comments(ofChain: record)?.compactMap { NFTElement($0, sets: layout.sets) }
    }

    private func remove(
        record: String, before last: (NFTElement) throws(PacketFilterError) -> Void
    ) throws(PacketFilterError) -> [NFTElement] {
        guard let elements = try recorded(record) else { return [] }
        var ending: [NFTElement] = []
        for element in elements where try isLast(element) {
            try last(element)
            ending.append(element)
        }
        var absent: Set<NFTElement> = []
        while true {
            var transaction = NFTTransaction(layout)
            for element in elements where !layout.isShared(element) && !absent.contains(element) {
                transaction.delete(element)
            }
            transaction.deleteRecord(record)
            for element in ending { transaction.deleteShared(element) }
            do throws(NetlinkBatchFailure) { try connection.run(transaction) } catch {
                // Somebody took an element away by hand: then that is done.
                guard case .removal(let element) = transaction.subject(of: error),
                    error.errno == .noSuchFileOrDirectory, absent.insert(element).inserted
                else { throw failure(error, transaction) }
                continue
            }
            try deleteTableIfUnused()
            return elements
        }
    }

    private func change(
        _ owner: RuleOwner, from before: [NFTElement]?, to elements: [NFTElement],
        last: (NFTElement) throws(PacketFilterError) -> Void
    ) throws(PacketFilterError) {
        let record = NFTOwnedTable.record(of: owner)
        let comment = NFTOwnedTable.comment(owner)
        var (old, new) = (before ?? [], elements)
        // What stays is not touched.
        old.removeAll { elements.contains($0) }
        new.removeAll { before?.contains($0) == true }
        // Looked for, and not found out by trying: a transaction that fails takes ten milliseconds and more.
        var hasTable = before != nil
        if !hasTable { hasTable = try connection.tableUse() != nil }
        var ending: [NFTElement] = []
        for element in old where try isLast(element) {
            try last(element)
            ending.append(element)
        }
        while true {
            var transaction = NFTTransaction(layout)
            if !hasTable { transaction.addLayout() }
            if before != nil { transaction.deleteRecord(record) }
            for element in elements where layout.isShared(element) { transaction.addShared(element) }
            transaction.addRecord(record, comment: comment, elements)
            for element in ending { transaction.deleteShared(element) }
            for element in old where !layout.isShared(element) { transaction.delete(element) }
            for element in new where !layout.isShared(element) { transaction.add(element, comment: comment) }
            do throws(NetlinkBatchFailure) {
                try connection.run(transaction)
                return
            } catch {
                switch transaction.subject(of: error) {
                case .removal(let element) where error.errno == .noSuchFileOrDirectory:
                    old.removeAll { $0 == element }
                case .addition(let element) where error.isConflict:
                    throw try conflict(element)
                default: throw failure(error, transaction)
                }
            }
        }
    }

    /// Whether it is a shared element that has one owner only.
    private func isLast(_ element: NFTElement) throws(PacketFilterError) -> Bool {
        guard layout.isShared(element) else { return false }
        return try connection.use(ofChain: element.sharedChain) == 1
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

    // MARK: Looking

    /// Checks that an owner has exactly these elements, and that the table does with them what it should.
    func check(_ elements: [NFTElement], of owner: RuleOwner) throws(PacketFilterError) {
        guard let recorded = try recorded(NFTOwnedTable.record(of: owner)) else {
            throw mismatch("table \(layout.name) knows nothing of \(owner)")
        }
        if let missing = elements.first(where: { !recorded.contains($0) }) {
            throw mismatch("\(missing) is not recorded in table \(layout.name)")
        }
        if let surplus = recorded.first(where: { !elements.contains($0) }) {
            throw mismatch("\(surplus) is recorded in table \(layout.name), and not wanted")
        }
        for element in elements where !layout.isShared(element) {
            guard let found = try connection.find(element) else {
                throw mismatch("table \(layout.name) lacks \(element)")
            }
            guard found.data == element.dataBytes else {
                throw mismatch("table \(layout.name) has another value for \(element)")
            }
            if found.comment != NFTOwnedTable.comment(owner) {
                throw mismatch("\(element) belongs to \(NFTOwnedTable.ownerText(found.comment))")
            }
        }
        for chain in layout.chains {
            let comments = try connection.comments(ofChain: chain.name) ?? []
            if let missing = chain.rules.first(where: { !comments.contains($0.comment) }) {
                throw mismatch("chain \(chain.name) of table \(layout.name) lacks the rule \"\(missing.comment)\"")
            }
        }
    }

    /// Finds out whether the kernel knows all that the table needs, without changing anything.
    func tryOut() throws(PacketFilterError) {
        if try connection.tableUse() != nil { return }
        var transaction = NFTTransaction(layout)
        transaction.addLayout()
        do throws(NetlinkBatchFailure) { try connection.run(transaction, isTrial: true) } catch {
            throw failure(error, transaction)
        }
    }

    // MARK: Errors

    private func mismatch(_ what: String) -> PacketFilterError {
        PacketFilterError(backend: "nftables", operation: what, cause: .mismatch)
    }

    private func conflict(_ element: NFTElement) throws(PacketFilterError) -> PacketFilterError {
        let comment = try connection.find(element)?.comment ?? ""
        return NFTOwnedTable.conflict(element, comment: comment)
    }

    /// The error that an element is in the way, which carries this comment.
    static func conflict(_ element: NFTElement, comment: String) -> PacketFilterError {
        PacketFilterError(
            backend: "nftables", operation: "cannot add \(element)", cause: .conflict(owner: ownerText(comment)))
    }

    private func failure(_ failure: NetlinkBatchFailure, _ transaction: NFTTransaction) -> PacketFilterError {
        let missing: [Errno] = [
            .noSuchFileOrDirectory, .notSupported, .addressFamilyNotSupported, .protocolNotSupported, .invalidArgument,
        ]
        switch transaction.subject(of: failure) {
        case .layout(let what):
            return PacketFilterError(
                backend: "nftables", operation: "cannot make \(what) of table \(layout.name)",
                cause: missing.contains(failure.errno) ? .unsupported : .kernel(failure.errno),
                message: failure.message ?? "the kernel says: \(failure.errno)")
        case .record(let chain): return refusal("chain \(chain)", failure)
        case .shared(let element): return refusal("change chain \(element.sharedChain)", failure)
        case .addition(let element): return refusal("add \(element)", failure)
        case .removal(let element): return refusal("remove \(element)", failure)
        case .begin, nil: return refusal("change table \(layout.name)", failure)
        }
    }

    private func refusal(_ what: String, _ failure: NetlinkBatchFailure) -> PacketFilterError {
        PacketFilterError(
            backend: "nftables", operation: "cannot \(what)",
            cause: failure.position == 0 && failure.errno == .notSupported ? .unsupported : .kernel(failure.errno),
            message: failure.message)
    }
}

extension NetlinkBatchFailure {
    /// Whether an element is in the way: one of the same key, or an interval that overlaps.
    fileprivate var isConflict: Bool { errno == .fileExists || errno == .directoryNotEmpty }
}
