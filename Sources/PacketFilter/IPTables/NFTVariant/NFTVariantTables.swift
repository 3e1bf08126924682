internal import CNetfilter
internal import Netlink
internal import NetworkAddress

/// Tables of one family as they were read, with the numbers by which the kernel knows their rules.
struct NFTVariantTables {
    private let family: AddressFamily
    /// What is known of every table, chain and rule.
    private(set) var state: IPTablesState
    /// For each chain the numbers of its rules, in order; nil for one that was added since.
    private var handles: [IPTablesTable: [String: [UInt64?]]] = [:]
    /// Whether none of the tables was there.
    let isNew: Bool

    init(
        _ family: AddressFamily, _ tables: [IPTablesTable], _ connection: NetlinkConnection
    ) throws(NetlinkError) {
        self.family = family
        var rules: [IPTablesTable: [String: [IPTablesState.Rule]]] = [:]
        for table in tables {
            var found: [String: [IPTablesState.Rule]] = [:]
            for chain in try NFTVariantTables.chains(family, table, connection) { found[chain] = [] }
            if found.isEmpty { continue }
            var numbers: [String: [UInt64?]] = found.mapValues { _ in [] }
            for rule in try NFTVariantTables.rules(family, table, connection) {
                found[rule.chain, default: []].append(rule.rule)
                numbers[rule.chain, default: []].append(rule.handle)
            }
            rules[table] = found
            handles[table] = numbers
        }
        isNew = rules.isEmpty
        state = IPTablesState(family, tables: rules)
    }

    private static func chains(
        _ family: AddressFamily, _ table: IPTablesTable, _ connection: NetlinkConnection
    ) throws(NetlinkError) -> [String] {
        try listing("list the chains of table \(table)", connection) {
            NetlinkMessage(nft: NFT_MSG_GETCHAIN, number: family.filterNumber)
        } _: { reply in
            let attributes = reply.attributes(after: nfgenmsg.self)
            guard reply.isNFT(NFT_MSG_NEWCHAIN), attributes[NFTA_CHAIN_TABLE.rawValue]?.text == table.rawValue else {
                return nil
            }
            return attributes[NFTA_CHAIN_NAME.rawValue]?.text
        }
    }

    /// A rule as it was read.
    private struct FoundRule {
        let chain: String
        let handle: UInt64
        let rule: IPTablesState.Rule
    }

    private static func rules(
        _ family: AddressFamily, _ table: IPTablesTable, _ connection: NetlinkConnection
    ) throws(NetlinkError) -> [FoundRule] {
        try listing("list the rules of table \(table)", connection) {
            let message = NetlinkMessage(nft: NFT_MSG_GETRULE, number: family.filterNumber)
            message.append(NFTA_RULE_TABLE, text: table.rawValue)
            return message
        } _: { reply in
            let attributes = reply.attributes(after: nfgenmsg.self)
            guard reply.isNFT(NFT_MSG_NEWRULE), attributes[NFTA_RULE_TABLE.rawValue]?.text == table.rawValue,
                let chain = attributes[NFTA_RULE_CHAIN.rawValue]?.text,
                let handle: UInt64 = attributes[NFTA_RULE_HANDLE.rawValue]?.number()
            else { return nil }
            let rule =
                attributes[NFTA_RULE_EXPRESSIONS.rawValue].map { NFTVariantRuleReader.read($0.nested, family) }
                ?? IPTablesState.Rule(IPTablesRule())
            return FoundRule(chain: chain, handle: UInt64(bigEndian: handle), rule: rule)
        }
    }

    /// A list; an empty one where the kernel knows nothing of such tables.
    private static func listing<Object>(
        _ operation: String, _ connection: NetlinkConnection, _ message: () -> NetlinkMessage,
        _ read: (NetlinkReply) -> Object?
    ) throws(NetlinkError) -> [Object] {
        do { return try connection.dump(operation, message, read) } catch {
            if error.isAbsence { return [] }
            throw error
        }
    }

    // MARK: Changing

    /// Appends what makes a change, which must be possible.
    mutating func append(_ change: IPTablesChange, to batch: inout NetlinkBatch) {
        switch change {
        case .makeChain(let table, let chain):
            ensure(table, &batch)
            batch.append(newChain(table, chain))
            handles[table]?[chain.description] = []
        case .append(let table, let chain, let rule):
            ensureHook(table, chain, &batch)
            batch.append(newRule(table, chain, rule, flags: NLM_F_CREATE | NLM_F_APPEND))
            handles[table]?[chain.description]?.append(nil)
        case .prepend(let table, let chain, let rule):
            ensureHook(table, chain, &batch)
            batch.append(newRule(table, chain, rule, flags: NLM_F_CREATE))
            handles[table]?[chain.description]?.insert(nil, at: 0)
        case .deleteRule(let table, let chain, at: let position, _):
            guard let handle = handles[table]?[chain.description]?.remove(at: position) else { break }
            batch.append(deletion(table, chain, handle))
        case .flush(let table, let chain):
            batch.append(deletion(table, chain, nil))
            handles[table]?[chain.description] = []
        case .deleteChain(let table, let chain):
            // The kernel deletes the rules of the chain with it.
            batch.append(self.chain(NFT_MSG_DELCHAIN, flags: 0, table, chain))
            handles[table]?[chain.description] = nil
        }
        state.apply(change)
    }

    /// Makes the table where nobody has.
    private mutating func ensure(_ table: IPTablesTable, _ batch: inout NetlinkBatch) {
        if handles[table] != nil { return }
        let message = NetlinkMessage(nft: NFT_MSG_NEWTABLE, flags: NLM_F_CREATE, number: family.filterNumber)
        message.append(NFTA_TABLE_NAME, text: table.rawValue)
        batch.append(message)
        handles[table] = [:]
    }

    /// Makes one of the chains that the kernel calls, where nobody has: as the programs do, with the first rule in it.
    private mutating func ensureHook(_ table: IPTablesTable, _ chain: ChainName, _ batch: inout NetlinkBatch) {
        ensure(table, &batch)
        guard handles[table]?[chain.description] == nil, let hook = NFTVariantTables.hook(table, chain) else { return }
        let message = newChain(table, chain)
        message.nest(NFTA_CHAIN_HOOK) { message in
            message.append(NFTA_HOOK_HOOKNUM, hook.number.bigEndian)
            message.append(NFTA_HOOK_PRIORITY, hook.priority.bigEndian)
        }
        message.append(NFTA_CHAIN_TYPE, text: hook.kind.rawValue)
        message.append(NFTA_CHAIN_POLICY, UInt32(NF_ACCEPT).bigEndian)
        batch.append(message)
        handles[table]?[chain.description] = []
    }

    private static func hook(_ table: IPTablesTable, _ chain: ChainName) -> NFTChain.Hook? {
        switch (table, chain) {
        case (.nat, .prerouting): .prerouting(.nat, -100)
        case (.nat, .output): .output(.nat, -100)
        case (.nat, .postrouting): .postrouting(.nat, 100)
        case (.raw, .prerouting): .prerouting(.filter, -300)
        case (.filter, .forward): .forward(.filter, 0)
        default: nil
        }
    }

    private func newChain(_ table: IPTablesTable, _ chain: ChainName) -> NetlinkMessage {
        self.chain(NFT_MSG_NEWCHAIN, flags: NLM_F_CREATE, table, chain)
    }

    private func chain(
        _ type: nf_tables_msg_types, flags: Int32, _ table: IPTablesTable, _ chain: ChainName
    ) -> NetlinkMessage {
        let message = NetlinkMessage(nft: type, flags: flags, number: family.filterNumber)
        message.append(NFTA_CHAIN_TABLE, text: table.rawValue)
        message.append(NFTA_CHAIN_NAME, text: chain.description)
        return message
    }

    private func newRule(
        _ table: IPTablesTable, _ chain: ChainName, _ rule: IPTablesRule, flags: Int32
    ) -> NetlinkMessage {
        let message = NetlinkMessage(nft: NFT_MSG_NEWRULE, flags: flags, number: family.filterNumber)
        message.append(NFTA_RULE_TABLE, text: table.rawValue)
        message.append(NFTA_RULE_CHAIN, text: chain.description)
        rule.append(to: message, family)
        return message
    }

    /// One rule, or all of the chain.
    private func deletion(_ table: IPTablesTable, _ chain: ChainName, _ handle: UInt64?) -> NetlinkMessage {
        let message = NetlinkMessage(nft: NFT_MSG_DELRULE, number: family.filterNumber)
        message.append(NFTA_RULE_TABLE, text: table.rawValue)
        message.append(NFTA_RULE_CHAIN, text: chain.description)
        if let handle { message.append(NFTA_RULE_HANDLE, handle.bigEndian) }
        return message
    }
}
