internal import CNetfilter
internal import Netlink
internal import SystemPackage

/// What is asked of the kernel about one table, and the changes that are made to it.
struct NFTConnection {
    private let connection: NetlinkConnection
    private let layout: NFTLayout

    init(_ layout: NFTLayout, by connection: PacketFilterConnection) throws(PacketFilterError) {
        self.layout = layout
        do throws(NetlinkError) { self.connection = try connection.open() } catch {
            throw PacketFilterError(
                backend: "nftables", operation: "open a netlink socket",
                cause: error.errno == .protocolNotSupported ? .unsupported : .kernel(error.errno))
        }
    }

    /// Carries out a transaction, or only tries it.
    func run(_ transaction: NFTTransaction, isTrial: Bool = false) throws(NetlinkBatchFailure) {
        try connection.transact(transaction.batch(isTrial: isTrial))
    }

    /// A rule as the kernel has it.
    struct FoundRule {
        let handle: UInt64
        let comment: String
        /// The value of NFTA_RULE_EXPRESSIONS.
        let expressions: [UInt8]
    }

    /// The rules of a chain, in order; none where there is no such chain, which a list does not tell.
    ///
    /// The kernel lists that chain only, and finds it by name.
    func rules(ofChain name: String) throws(PacketFilterError) -> [FoundRule] {
        do throws(NetlinkError) {
            return try connection.dump("list chain \(name)") {
                let message = NetlinkMessage(nft: NFT_MSG_GETRULE, layout.family)
                message.append(NFTA_RULE_TABLE, text: layout.name)
                message.append(NFTA_RULE_CHAIN, text: name)
                return message
            } _: { reply in
                let attributes = reply.attributes(after: nfgenmsg.self)
                guard reply.isNFT(NFT_MSG_NEWRULE), let handle: UInt64 = attributes[NFTA_RULE_HANDLE.rawValue]?.number()
                else { return nil }
                let comment = attributes[NFTA_RULE_USERDATA.rawValue].flatMap { NFTComment.text($0.bytes) }
                return FoundRule(
                    handle: UInt64(bigEndian: handle), comment: comment ?? "",
                    expressions: attributes[NFTA_RULE_EXPRESSIONS.rawValue]?.bytes ?? [])
            }
        } catch {
            if error.isAbsence { return [] }
            throw wrapped(error)
        }
    }

    /// A chain as the kernel has it.
    struct FoundChain {
        let name: String
        let comment: String
        /// How many rules it holds, and how many rules and elements lead to it.
        let use: Int

        fileprivate init?(_ reply: NetlinkReply) {
            let attributes = reply.attributes(after: nfgenmsg.self)
            guard reply.isNFT(NFT_MSG_NEWCHAIN), let name = attributes[NFTA_CHAIN_NAME.rawValue]?.text else {
                return nil
            }
            self.name = name
            comment = attributes[NFTA_CHAIN_USERDATA.rawValue].flatMap { NFTComment.text($0.bytes) } ?? ""
            use = attributes[NFTA_CHAIN_USE.rawValue]?.networkNumber.map { Int($0) } ?? 0
        }
    }

    /// The chain of that name; nil where there is none.
    func chain(named name: String) throws(PacketFilterError) -> FoundChain? {
        do throws(NetlinkError) { return try chain(name) } catch {
            if error.isAbsence { return nil }
            throw wrapped(error)
        }
    }

    /// How many rules a chain holds, and how many lead to it; nil where there is no such chain.
    func use(ofChain name: String) throws(PacketFilterError) -> Int? { try chain(named: name)?.use }

    private func chain(_ name: String) throws(NetlinkError) -> FoundChain? {
        let message = NetlinkMessage(nft: NFT_MSG_GETCHAIN, layout.family)
        message.append(NFTA_CHAIN_TABLE, text: layout.name)
        message.append(NFTA_CHAIN_NAME, text: name)
        return try connection.get("look up chain \(name)", message) { FoundChain($0) }
    }

    /// The table's chains whose names begin so.
    func chains(prefix: String) throws(PacketFilterError) -> [FoundChain] {
        do throws(NetlinkError) {
            return try connection.dump("list chains") {
                NetlinkMessage(nft: NFT_MSG_GETCHAIN, layout.family)
            } _: { reply in
                guard reply.attributes(after: nfgenmsg.self)[NFTA_CHAIN_TABLE.rawValue]?.text == layout.name,
                    let chain = FoundChain(reply), chain.name.hasPrefix(prefix)
                else { return nil }
                return chain
            }
        } catch {
            if error.isAbsence { return [] }
            throw wrapped(error)
        }
    }

    /// Whether there is a set or map of that name.
    func hasSet(_ name: String) throws(PacketFilterError) -> Bool {
        let message = NetlinkMessage(nft: NFT_MSG_GETSET, layout.family)
        message.append(NFTA_SET_TABLE, text: layout.name)
        message.append(NFTA_SET_NAME, text: name)
        do throws(NetlinkError) {
            return try connection.get("look up set \(name)", message) { $0.isNFT(NFT_MSG_NEWSET) ? true : nil } ?? false
        } catch {
            if error.isAbsence { return false }
            throw wrapped(error)
        }
    }

    /// How many chains, sets and maps the table holds; nil where there is no table.
    func tableUse() throws(PacketFilterError) -> Int? {
        let message = NetlinkMessage(nft: NFT_MSG_GETTABLE, layout.family)
        message.append(NFTA_TABLE_NAME, text: layout.name)
        do throws(NetlinkError) {
            return try connection.get("look up table \(layout.name)", message) { reply in
                reply.attributes(after: nfgenmsg.self)[NFTA_TABLE_USE.rawValue]?.networkNumber.map { Int($0) }
            }
        } catch {
            if error.isAbsence { return nil }
            throw wrapped(error)
        }
    }

    /// An element as the kernel has it.
    struct FoundElement: Equatable {
        let key: [UInt8]
        /// The last key of an interval.
        let lastKey: [UInt8]?
        let data: [UInt8]
        let comment: String
    }

    /// The element with this key, or with an interval that holds it; nil where there is none.
    func find(_ element: NFTElement) throws(PacketFilterError) -> FoundElement? {
        let message = NFTTransaction.fill(
            NetlinkMessage(nft: NFT_MSG_GETSETELEM, layout.family), layout, element, comment: nil)
        do throws(NetlinkError) {
            return try connection.get("look up \(element)", message) { NFTConnection.elements($0).first }
        } catch {
            if error.isAbsence { return nil }
            throw wrapped(error)
        }
    }

    /// All elements of a set: for those that are small, and where nothing but a look at everything tells.
    func elements(of set: String) throws(PacketFilterError) -> [FoundElement] {
        do throws(NetlinkError) {
            return try connection.dump("list set \(set)") {
                let message = NetlinkMessage(nft: NFT_MSG_GETSETELEM, layout.family)
                message.append(NFTA_SET_ELEM_LIST_TABLE, text: layout.name)
                message.append(NFTA_SET_ELEM_LIST_SET, text: set)
                return message
            } _: {
                NFTConnection.elements($0)
            }.flatMap { $0 }
        } catch {
            if error.isAbsence { return [] }
            throw wrapped(error)
        }
    }

    private static func elements(_ reply: NetlinkReply) -> [FoundElement] {
        guard reply.isNFT(NFT_MSG_NEWSETELEM),
            let list = reply.attributes(after: nfgenmsg.self)[NFTA_SET_ELEM_LIST_ELEMENTS.rawValue]
        else { return [] }
        return list.nested.all(NFTA_LIST_ELEM.rawValue).compactMap { element in
            let element = element.nested
            guard let key = value(element[NFTA_SET_ELEM_KEY.rawValue]) else { return nil }
            return FoundElement(
                key: key, lastKey: value(element[NFTA_SET_ELEM_KEY_END.rawValue]),
                data: value(element[NFTA_SET_ELEM_DATA.rawValue]) ?? [],
                comment: element[NFTA_SET_ELEM_USERDATA.rawValue].flatMap { NFTComment.text($0.bytes) } ?? "")
        }
    }

    private static func value(_ attribute: Attribute?) -> [UInt8]? {
        attribute?.nested[NFTA_DATA_VALUE.rawValue]?.bytes
    }

    private func wrapped(_ error: NetlinkError) -> PacketFilterError {
        PacketFilterError(
            backend: "nftables", operation: error.operation, cause: .kernel(error.errno), message: error.message)
    }
}

extension NetlinkReply {
    /// Whether it is a message of nf_tables of that kind.
    func isNFT(_ kind: nf_tables_msg_types) -> Bool {
        type == Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(kind.rawValue)
    }
}

extension NetlinkError {
    /// Whether there is no such table, chain or element; be it because the kernel has no nf_tables, or not this family.
    var isAbsence: Bool {
        [
            .noSuchFileOrDirectory, .invalidArgument, .notSupported, .addressFamilyNotSupported, .protocolNotSupported,
        ].contains(errno)
    }
}
