internal import Netlink
internal import SystemPackage

extension NFTOwnedTable {
    /// Checks that an owner has exactly what it is to have, and that the table does with it what it should.
    func check(_ holding: NFTHolding) throws(PacketFilterError) {
        let record = NFTOwnedTable.record(of: holding.owner)
        let rules = try connection.rules(ofChain: record)
        if rules.isEmpty, try connection.chain(named: record) == nil {
            throw mismatch("table \(layout.name) knows nothing of \(holding.owner)")
        }
        let recorded = Set(rules.compactMap { NFTElement($0.comment, sets: layout.sets) })
        let wanted = Set(holding.elements)
        if let missing = holding.rules.first(where: { rule in !rules.contains { $0.isSame(as: rule) } }) {
            throw mismatch("chain \(record) of table \(layout.name) lacks the rule \"\(missing.comment)\"")
        }
        if let surplus = recorded.first(where: { !wanted.contains($0.awaited ?? $0) }) {
            throw mismatch("\(surplus) is recorded in table \(layout.name), and not wanted")
        }
        let own = NFTOwnerComment(holding.owner)
        for element in holding.elements {
            let isOwn = recorded.contains(element)
            guard isOwn || recorded.contains(element.waiting) else {
                throw mismatch("\(element) is not recorded in table \(layout.name)")
            }
            if layout.isShared(element) {
                if layout.isLookedUp(element), try connection.find(element) == nil {
                    throw mismatch("table \(layout.name) lacks \(element)")
                }
                continue
            }
            guard let found = try connection.find(element) else {
                throw mismatch("table \(layout.name) lacks \(element)")
            }
            let comment = NFTOwnerComment(found.comment)
            if isOwn {
                guard found.data == element.dataBytes else {
                    throw mismatch("table \(layout.name) has another value for \(element)")
                }
                if comment != own { throw mismatch("\(element) belongs to \(comment.description)") }
            } else if comment.owner?.containerID != holding.owner.containerID {
                throw mismatch("\(element) belongs to \(comment.description)")
            }
        }
        try checkLayout(calling: holding.administrator)
    }

    /// Checks that all rules are there that always are, and the one by which the chain of an administrator is called.
    private func checkLayout(calling administrator: String?) throws(PacketFilterError) {
        for chain in layout.chains {
            let found = try connection.rules(ofChain: chain.name)
            if let administrator, chain.name == layout.administration,
                !found.contains(where: { $0.isSame(as: NFTLayout.call(ofAdministrator: administrator)) })
            {
                throw mismatch("chain \(chain.name) of table \(layout.name) does not call chain \(administrator)")
            }
            for (position, rule) in chain.rules.enumerated()
            where !found.indices.contains(position) || !found[position].isSame(as: rule) {
                throw mismatch("chain \(chain.name) of table \(layout.name) lacks the rule \"\(rule.comment)\"")
            }
            if found.count > chain.rules.count && chain.name != layout.administration {
                throw mismatch("chain \(chain.name) of table \(layout.name) has a rule that is none of ours")
            }
        }
    }

    /// Finds out whether the kernel knows all that the table needs, without changing anything.
    func tryOut() throws(PacketFilterError) {
        if try damage() != nil { return }
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

    /// The error that an element is in the way, which carries this comment.
    static func conflict(_ element: NFTElement, comment: String) -> PacketFilterError {
        PacketFilterError(
            backend: "nftables", operation: "cannot add \(element)",
            cause: .conflict(
                owner: NFTOwnerComment(comment).description, mapping: NFTPorts.published(by: element)?.mapping))
    }

    /// What it means that a transaction failed.
    func failure(_ failure: NetlinkBatchFailure, _ transaction: NFTTransaction) -> PacketFilterError {
        switch transaction.subject(of: failure) {
        case .layout(let what):
            // What a kernel says of what it was built without.
            let missing: [Errno] = [
                .noSuchFileOrDirectory, .notSupported, .addressFamilyNotSupported, .protocolNotSupported,
                .invalidArgument,
            ]
            return PacketFilterError(
                backend: "nftables", operation: "cannot make \(what)",
                cause: missing.contains(failure.errno) ? .unsupported : .kernel(failure.errno),
                message: failure.message ?? "the kernel says: \(failure.errno)")
        case .record(let chain): return refusal("change chain \(chain)", failure)
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

extension NFTConnection.FoundRule {
    /// Whether it is this rule, and does what it says.
    func isSame(as rule: NFTRule) -> Bool {
        comment == rule.comment && NFTRuleComparison.isSame(expressions, as: rule)
    }
}
