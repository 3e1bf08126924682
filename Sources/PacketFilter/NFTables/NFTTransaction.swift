internal import CNetfilter
internal import Netlink
internal import SystemPackage

/// Changes of one table that happen together or not at all (`nft -f`).
struct NFTTransaction {
    private let layout: NFTLayout
    private var batch = NetlinkBatch()
    /// What each message of the batch is about, for errors.
    private(set) var subjects: [Subject] = []

    /// What a message is about.
    enum Subject: Equatable {
        case begin
        case layout(String)
        case record(chain: String)
        case shared(NFTElement)
        case addition(NFTElement)
        case removal(NFTElement)
    }

    init(_ layout: NFTLayout) {
        self.layout = layout
        append(.begin, .nftBatch(NFNL_MSG_BATCH_BEGIN))
    }

    /// The batch, to be carried out; or, where `isTrial`, only to be tried: the kernel then undoes it.
    func batch(isTrial: Bool = false) -> NetlinkBatch {
        var finished = batch
        finished.askForAnswer()
        if !isTrial { finished.append(.nftBatch(NFNL_MSG_BATCH_END)) }
        return finished
    }

    /// What the message is about that failed.
    func subject(of failure: NetlinkBatchFailure) -> Subject? {
        subjects.indices.contains(failure.position) ? subjects[failure.position] : nil
    }

    private mutating func append(_ subject: Subject, _ message: consuming NetlinkMessage) {
        batch.append(message)
        subjects.append(subject)
    }

    // MARK: The table itself

    /// `nft add table`, with all that always stands in it. Where there is such a table, the whole transaction fails, unless an
    /// administrator may have made it.
    mutating func addLayout() {
        let exclusion = layout.administration == nil ? NLM_F_EXCL : 0
        let table = NetlinkMessage(nft: NFT_MSG_NEWTABLE, flags: NLM_F_CREATE | exclusion, layout.family)
        table.append(NFTA_TABLE_NAME, text: layout.name)
        append(.layout("table \(layout.name)"), table)
        for (number, set) in layout.realSets.enumerated() {
            append(.layout("set \(set.name) of table \(layout.name)"), message(for: set, number: UInt32(number + 1)))
        }
        for chain in layout.chains { add(chain) }
        for chain in layout.chains {
            for rule in chain.rules {
                append(
                    .layout("the rule \"\(rule.comment)\" of table \(layout.name)"), message(for: rule, in: chain.name))
            }
        }
    }

    /// `nft add chain`, without its rules.
    mutating func add(_ chain: NFTChain) {
        append(.layout("chain \(chain.name) of table \(layout.name)"), message(for: chain))
    }

    /// Puts the rules of a chain back, in place of what is left of them.
    mutating func renew(_ chain: NFTChain) {
        let flush = NetlinkMessage(nft: NFT_MSG_DELRULE, layout.family)
        flush.append(NFTA_RULE_TABLE, text: layout.name)
        flush.append(NFTA_RULE_CHAIN, text: chain.name)
        append(.layout("chain \(chain.name) of table \(layout.name)"), flush)
        for rule in chain.rules {
            append(
                .layout("the rule \"\(rule.comment)\" of table \(layout.name)"), message(for: rule, in: chain.name))
        }
    }

    /// `nft delete table`
    mutating func deleteTable() {
        let message = NetlinkMessage(nft: NFT_MSG_DELTABLE, layout.family)
        message.append(NFTA_TABLE_NAME, text: layout.name)
        append(.layout("table \(layout.name)"), message)
    }

    private func message(for set: NFTSet, number: UInt32) -> NetlinkMessage {
        let message = NetlinkMessage(nft: NFT_MSG_NEWSET, flags: NLM_F_CREATE | NLM_F_EXCL, layout.family)
        message.append(NFTA_SET_TABLE, text: layout.name)
        message.append(NFTA_SET_NAME, text: set.name)
        var flags: UInt32 = 0
        if set.hasIntervals { flags |= NFT_SET_INTERVAL.rawValue | NFT_SET_CONCAT.rawValue }
        if !set.data.isEmpty { flags |= NFT_SET_MAP.rawValue }
        message.append(NFTA_SET_FLAGS, flags.bigEndian)
        message.append(NFTA_SET_KEY_TYPE, NFTType.number(of: set.key).bigEndian)
        message.append(NFTA_SET_KEY_LEN, NFTTransaction.length(set.key).bigEndian)
        if !set.data.isEmpty {
            message.append(NFTA_SET_DATA_TYPE, NFTType.number(of: set.data).bigEndian)
            // The kernel knows how long a verdict is.
            let length = NFTTransaction.length(set.data)
            if length > 0 { message.append(NFTA_SET_DATA_LEN, length.bigEndian) }
        }
        message.append(NFTA_SET_ID, number.bigEndian)
        if set.key == [.interfaceName] {
            // Names are in host order (NFTNL_UDATA_SET_KEYBYTEORDER, 1), which nft does not know of a plain key by itself.
            message.append(NFTA_SET_USERDATA, bytes: [0, 4] + withHostOrder(1))
        }
        if set.hasIntervals {
            message.nest(NFTA_SET_DESC) { message in
                message.nest(NFTA_SET_DESC_CONCAT) { message in
                    for type in set.key {
                        message.nest(NFTA_LIST_ELEM) { message in
                            message.append(NFTA_SET_FIELD_LEN, UInt32(type.length).bigEndian)
                        }
                    }
                }
            }
        }
        return message
    }

    private func withHostOrder(_ number: UInt32) -> [UInt8] {
        let number = number.littleEndian == number ? number : number.byteSwapped
        return (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static func length(_ types: [NFTType]) -> UInt32 { UInt32(types.reduce(0) { $0 + $1.paddedLength }) }

    private func message(for chain: NFTChain) -> NetlinkMessage {
        let message = newChain(chain.name)
        if let hook = chain.hook {
            message.nest(NFTA_CHAIN_HOOK) { message in
                message.append(NFTA_HOOK_HOOKNUM, hook.number.bigEndian)
                message.append(NFTA_HOOK_PRIORITY, hook.priority.bigEndian)
            }
            message.append(NFTA_CHAIN_TYPE, text: hook.kind.rawValue)
            message.append(NFTA_CHAIN_POLICY, UInt32(NF_ACCEPT).bigEndian)
        }
        return message
    }

    private func newChain(_ name: String, flags: Int32 = NLM_F_CREATE | NLM_F_EXCL) -> NetlinkMessage {
        let message = NetlinkMessage(nft: NFT_MSG_NEWCHAIN, flags: flags, layout.family)
        message.append(NFTA_CHAIN_TABLE, text: layout.name)
        message.append(NFTA_CHAIN_NAME, text: name)
        return message
    }

    private func message(for rule: NFTRule, in chain: String) -> NetlinkMessage {
        let message = NetlinkMessage(
            nft: NFT_MSG_NEWRULE, flags: NLM_F_CREATE | NLM_F_APPEND, layout.family,
            capacity: 4096 + 512 * rule.statements.count)
        message.append(NFTA_RULE_TABLE, text: layout.name)
        message.append(NFTA_RULE_CHAIN, text: chain)
        NFTExpressionWriter.append(rule.statements, to: message)
        message.append(NFTA_RULE_USERDATA, bytes: NFTComment.bytes(rule.comment))
        return message
    }

    // MARK: Records

    /// Makes the chain that records what belongs to an owner: one rule for each element, which tells in its comment what it
    /// is. The chain is called only where it begins with rules of the owner's own, for elements that lead to it.
    mutating func addRecord(_ chain: String, comment: String, rules: [NFTRule], _ elements: [NFTElement]) {
        let message = newChain(chain)
        message.append(NFTA_CHAIN_USERDATA, bytes: NFTComment.bytes(comment))
        append(.record(chain: chain), message)
        for rule in rules { append(.record(chain: chain), self.message(for: rule, in: chain)) }
        for element in elements { addRule(for: element, toRecord: chain) }
    }

    /// Records one more element.
    mutating func addRule(for element: NFTElement, toRecord chain: String) {
        // A rule has to say something to be readable for `nft -f`.
        let statement: NFTStatement = layout.isShared(element) ? .jump(element.sharedChain) : .return
        append(.record(chain: chain), message(for: NFTRule(element.description, statement), in: chain))
    }

    /// Deletes a rule of a record by the number that the kernel gave it.
    mutating func deleteRule(_ handle: UInt64, ofRecord chain: String) {
        let message = NetlinkMessage(nft: NFT_MSG_DELRULE, layout.family)
        message.append(NFTA_RULE_TABLE, text: layout.name)
        message.append(NFTA_RULE_CHAIN, text: chain)
        message.append(NFTA_RULE_HANDLE, handle.bigEndian)
        append(.record(chain: chain), message)
    }

    /// Makes the chain of a shared element, and where packets are looked up in its set, the element.
    mutating func addShared(_ element: NFTElement) {
        append(.shared(element), newChain(element.sharedChain))
        if layout.isLookedUp(element) { addLookedUp(element) }
    }

    /// Puts a shared element into its set.
    mutating func addLookedUp(_ element: NFTElement) {
        let message = NetlinkMessage(nft: NFT_MSG_NEWSETELEM, flags: NLM_F_CREATE, layout.family)
        append(
            .shared(element), NFTTransaction.fill(message, layout, element, comment: element.sharedComment))
    }

    // MARK: Administrators

    /// Makes the chain of an administrator, empty, where there is none.
    mutating func addAdministrator(_ chain: String) {
        append(.layout("chain \(chain) of table \(layout.name)"), newChain(chain, flags: NLM_F_CREATE))
    }

    /// Calls the chain of an administrator.
    mutating func call(administrator chain: String) {
        guard let caller = layout.administration else { return }
        append(
            .layout("chain \(caller) of table \(layout.name)"),
            message(for: NFTLayout.call(ofAdministrator: chain), in: caller))
    }

    /// Deletes the chain of a shared element to which nothing jumps any more.
    mutating func deleteShared(_ element: NFTElement) {
        append(.shared(element), deletion(ofChain: element.sharedChain))
    }

    /// Deletes a record with its rules.
    mutating func deleteRecord(_ chain: String) {
        append(.record(chain: chain), deletion(ofChain: chain))
    }

    private func deletion(ofChain name: String) -> NetlinkMessage {
        let message = NetlinkMessage(nft: NFT_MSG_DELCHAIN, layout.family)
        message.append(NFTA_CHAIN_TABLE, text: layout.name)
        message.append(NFTA_CHAIN_NAME, text: name)
        return message
    }

    // MARK: Elements

    /// `nft create element`: one with this key, or one that it overlaps, is an error.
    mutating func add(_ element: NFTElement, comment: String) {
        let message = NetlinkMessage(nft: NFT_MSG_NEWSETELEM, flags: NLM_F_CREATE | NLM_F_EXCL, layout.family)
        append(.addition(element), NFTTransaction.fill(message, layout, element, comment: comment))
    }

    /// `nft delete element`
    mutating func delete(_ element: NFTElement) {
        let message = NetlinkMessage(nft: NFT_MSG_DELSETELEM, layout.family)
        append(.removal(element), NFTTransaction.fill(message, layout, element, comment: nil))
    }

    /// Appends what names an element, and with a comment also what it is to be.
    static func fill(
        _ message: consuming NetlinkMessage, _ layout: NFTLayout, _ element: NFTElement, comment: String?
    ) -> NetlinkMessage {
        let hasIntervals = layout.sets.first { $0.name == element.set }?.hasIntervals == true
        message.append(NFTA_SET_ELEM_LIST_TABLE, text: layout.name)
        message.append(NFTA_SET_ELEM_LIST_SET, text: element.set)
        message.nest(NFTA_SET_ELEM_LIST_ELEMENTS) { message in
            message.nest(NFTA_LIST_ELEM) { message in
                message.nest(NFTA_SET_ELEM_KEY) { $0.append(NFTA_DATA_VALUE, bytes: element.keyBytes) }
                if hasIntervals {
                    message.nest(NFTA_SET_ELEM_KEY_END) { $0.append(NFTA_DATA_VALUE, bytes: element.lastKeyBytes) }
                }
                guard let comment else { return }
                if let chain = element.verdictChain {
                    message.nest(NFTA_SET_ELEM_DATA) { message in
                        message.nest(NFTA_DATA_VERDICT) { message in
                            message.append(NFTA_VERDICT_CODE, NFT_GOTO.rawValue.bigEndian)
                            message.append(NFTA_VERDICT_CHAIN, text: chain)
                        }
                    }
                } else if !element.data.isEmpty {
                    message.nest(NFTA_SET_ELEM_DATA) { $0.append(NFTA_DATA_VALUE, bytes: element.dataBytes) }
                }
                message.append(NFTA_SET_ELEM_USERDATA, bytes: NFTComment.bytes(comment))
            }
        }
        return message
    }
}

extension NetlinkMessage {
    /// A request to nf_tables about a table of ours.
    init(nft type: nf_tables_msg_types, flags: Int32 = 0, _ family: NFTLayout.Family, capacity: Int = 4096) {
        self.init(
            nft: type, flags: flags, number: family == .inet ? NFPROTO_INET : NFPROTO_BRIDGE, capacity: capacity)
    }

    /// A request to nf_tables about a table of a family (NFPROTO_*).
    init(nft type: nf_tables_msg_types, flags: Int32 = 0, number: some BinaryInteger, capacity: Int = 4096) {
        self.init(
            Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(type.rawValue), flags: flags,
            nfgenmsg(nfgen_family: UInt8(number), version: 0, res_id: 0), capacity: capacity)
    }

    /// The messages that begin and end a transaction of nf_tables.
    static func nftBatch(_ type: Int32) -> NetlinkMessage {
        NetlinkMessage(
            Int(type),
            nfgenmsg(nfgen_family: UInt8(AF_UNSPEC), version: 0, res_id: UInt16(NFNL_SUBSYS_NFTABLES).bigEndian))
    }
}

/// Comments as nft keeps them with rules, chains and elements: a type (0), a length, the text and a NUL.
enum NFTComment {
    static func bytes(_ text: String) -> [UInt8] {
        // The kernel keeps 256 bytes with rules and chains, 255 with elements. Nothing of ours is as long.
        var text = text
        while text.utf8.count > longest { text.removeLast() }
        return [0, UInt8(text.utf8.count + 1)] + text.utf8 + [0]
    }

    private static let longest = 252

    static func text(_ bytes: [UInt8]) -> String? {
        guard bytes.count >= 3, bytes[0] == 0, bytes.count >= 2 + Int(bytes[1]) else { return nil }
        return String(decoding: bytes[2..<2 + Int(bytes[1])].prefix { $0 != 0 }, as: UTF8.self)
    }
}
