internal import CNetfilter
internal import Netlink
internal import NetworkAddress
internal import SystemPackage

/// The nft kind of iptables: tables `nat`, `raw` and `filter` of nf_tables, in the form that its programs read and write.
///
/// Spoken to in process, as nf_tables are: one transaction for all tables of a family, no program that has to be there, and
/// rules are deleted by the number that the kernel gave them, so that nobody's rule is taken for another. Callers hold the
/// ``PacketFilterLock``.
struct NFTVariantIPTables: IPTablesKind {
    let connection: PacketFilterConnection

    func mayContain(
        _ table: IPTablesTable, _ chain: ChainName, _ family: AddressFamily
    ) throws(PacketFilterError) -> Bool {
        let message = NetlinkMessage(nft: NFT_MSG_GETCHAIN, number: family.filterNumber)
        message.append(NFTA_CHAIN_TABLE, text: table.rawValue)
        message.append(NFTA_CHAIN_NAME, text: chain.description)
        do throws(NetlinkError) {
            return try connection.open().get("look up chain \(chain)", message) { _ in true } ?? false
        } catch {
            if error.isAbsence { return false }
            throw failure(error)
        }
    }

    func state(_ family: AddressFamily, _ tables: [IPTablesTable]) throws(PacketFilterError) -> IPTablesState {
        do throws(NetlinkError) {
            return try NFTVariantTables(family, tables, connection.open()).state
        } catch {
            if error.isAbsence { return IPTablesState(family) }
            throw failure(error)
        }
    }

    func change(
        _ family: AddressFamily, _ tables: [IPTablesTable], creating: Bool,
        _ decide: (IPTablesState) throws(PacketFilterError) -> [IPTablesChange]
    ) throws(PacketFilterError) {
        for _ in 0..<10 {
            let connection: NetlinkConnection
            var found: NFTVariantTables
            do throws(NetlinkError) {
                connection = try self.connection.open()
                found = try NFTVariantTables(family, tables, connection)
            } catch {
                if !creating && error.isAbsence { return }
                throw failure(error)
            }
            let changes = try decide(found.state)
            if changes.isEmpty { return }
            var batch = NetlinkBatch()
            batch.append(.nftBatch(NFNL_MSG_BATCH_BEGIN))
            for change in changes { found.append(change, to: &batch) }
            batch.askForAnswer()
            batch.append(.nftBatch(NFNL_MSG_BATCH_END))
            do throws(NetlinkBatchFailure) {
                try connection.transact(batch)
                return
            } catch {
                // A rule or a chain that was there a moment ago is gone: somebody else is at work. Look again.
                guard error.errno == .noSuchFileOrDirectory, !found.isNew else {
                    throw PacketFilterError(
                        backend: .iptables, operation: "cannot change tables of family \(family)",
                        cause: error.errno == .notSupported ? .unsupported : .kernel(error.errno),
                        message: error.message)
                }
            }
        }
        throw PacketFilterError(
            backend: .iptables, operation: "change tables", cause: .kernel(.resourceTemporarilyUnavailable),
            message: "somebody else keeps changing them")
    }

    func tryOut(
        _ family: AddressFamily, _ tables: [IPTablesTable],
        _ decide: (IPTablesState) throws(PacketFilterError) -> [IPTablesChange]
    ) throws(PacketFilterError) {
        let connection: NetlinkConnection
        var found: NFTVariantTables
        do throws(NetlinkError) {
            connection = try self.connection.open()
            found = try NFTVariantTables(family, tables, connection)
        } catch {
            throw failure(error)
        }
        // A batch without an end is looked at and forgotten.
        var batch = NetlinkBatch()
        batch.append(.nftBatch(NFNL_MSG_BATCH_BEGIN))
        for change in try decide(found.state) { found.append(change, to: &batch) }
        batch.askForAnswer()
        do throws(NetlinkBatchFailure) { try connection.transact(batch) } catch {
            throw PacketFilterError(
                backend: .iptables, operation: "make rules of family \(family)", cause: .unsupported,
                message: error.message ?? "the kernel says: \(error.errno)")
        }
    }

    private func failure(_ error: NetlinkError) -> PacketFilterError {
        PacketFilterError(
            backend: .iptables, operation: error.operation,
            cause: error.errno == .protocolNotSupported ? .unsupported : .kernel(error.errno), message: error.message)
    }
}

extension AddressFamily {
    /// NFPROTO_*
    var filterNumber: Int32 { Int32(self == .ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6) }
}
