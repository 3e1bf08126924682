internal import CNetfilter
internal import Netlink
internal import NetworkAddress

extension IPTablesRule {
    /// Appends what iptables of the nft kind makes of the rule: addresses, links and the protocol as expressions of nf_tables,
    /// everything else as the extensions of iptables, which every version of it can read.
    func append(to message: borrowing NetlinkMessage, _ family: AddressFamily) {
        message.nest(NFTA_RULE_EXPRESSIONS) { message in
            let layout = PacketLayout(family)
            if let inputLink { NFTVariantWriter.append(NFT_META_IIFNAME, inputLink, message) }
            if let outputLink { NFTVariantWriter.append(NFT_META_OIFNAME, outputLink, message) }
            if let source { NFTVariantWriter.append(source, layout.source, message) }
            if let destination { NFTVariantWriter.append(destination, layout.destination, message) }
            if let protocolNumber {
                NFTVariantWriter.loadMeta(NFT_META_L4PROTO, message)
                NFTVariantWriter.compare([protocolNumber.number], isNegated: false, message)
            }
            for match in matches { NFTVariantWriter.append(match.encoded, message) }
            NFTVariantWriter.expression("counter", message) { message in
                message.append(NFTA_COUNTER_BYTES, UInt64(0))
                message.append(NFTA_COUNTER_PACKETS, UInt64(0))
            }
            NFTVariantWriter.append(target, family, message)
        }
        // Extensions that depend on the protocol ask for it here.
        if let protocolNumber {
            message.nest(NFTA_RULE_COMPAT) { message in
                message.append(NFTA_RULE_COMPAT_PROTO, UInt32(protocolNumber.number).bigEndian)
                message.append(NFTA_RULE_COMPAT_FLAGS, UInt32(0))
            }
        }
    }
}

/// Writes expressions as iptables of the nft kind does.
enum NFTVariantWriter {
    private static let register = NFT_REG_1.rawValue

    static func append(
        _ key: nft_meta_keys, _ link: IPTablesRule.Test<LinkPattern>, _ message: borrowing NetlinkMessage
    ) {
        loadMeta(key, message)
        let name = link.value.description.utf8
        let bytes = link.value.isPrefix ? Array(name.dropLast()) : Array(name) + [0]
        compare(bytes, isNegated: link.isNegated, message)
    }

    static func append(
        _ prefix: IPTablesRule.Test<IPPrefix>, _ offset: UInt32, _ message: borrowing NetlinkMessage
    ) {
        let value = prefix.value
        // A network that ends with a byte needs no mask.
        let count = value.length % 8 == 0 ? value.length / 8 : value.family.bitWidth / 8
        expression("payload", message) { message in
            message.append(NFTA_PAYLOAD_DREG, register.bigEndian)
            message.append(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER.rawValue.bigEndian)
            message.append(NFTA_PAYLOAD_OFFSET, offset.bigEndian)
            message.append(NFTA_PAYLOAD_LEN, UInt32(count).bigEndian)
        }
        if value.length % 8 != 0 {
            expression("bitwise", message) { message in
                message.append(NFTA_BITWISE_SREG, register.bigEndian)
                message.append(NFTA_BITWISE_DREG, register.bigEndian)
                message.append(NFTA_BITWISE_LEN, UInt32(count).bigEndian)
                message.nest(NFTA_BITWISE_MASK) { $0.append(NFTA_DATA_VALUE, bytes: value.mask.bytes) }
                message.nest(NFTA_BITWISE_XOR) {
                    $0.append(NFTA_DATA_VALUE, bytes: [UInt8](repeating: 0, count: count))
                }
            }
        }
        compare(Array(value.first.bytes.prefix(count)), isNegated: prefix.isNegated, message)
    }

    static func loadMeta(_ key: nft_meta_keys, _ message: borrowing NetlinkMessage) {
        expression("meta", message) { message in
            message.append(NFTA_META_KEY, key.rawValue.bigEndian)
            message.append(NFTA_META_DREG, register.bigEndian)
        }
    }

    static func compare(_ bytes: [UInt8], isNegated: Bool, _ message: borrowing NetlinkMessage) {
        expression("cmp", message) { message in
            message.append(NFTA_CMP_SREG, register.bigEndian)
            message.append(NFTA_CMP_OP, (isNegated ? NFT_CMP_NEQ : NFT_CMP_EQ).rawValue.bigEndian)
            message.nest(NFTA_CMP_DATA) { $0.append(NFTA_DATA_VALUE, bytes: bytes) }
        }
    }

    static func append(_ part: LegacyExtension, _ message: borrowing NetlinkMessage) {
        expression("match", message) { message in
            message.append(NFTA_MATCH_NAME, text: part.name)
            message.append(NFTA_MATCH_REV, UInt32(part.revision).bigEndian)
            message.append(NFTA_MATCH_INFO, bytes: part.alignedData)
        }
    }

    static func append(_ target: IPTablesRule.Target, _ family: AddressFamily, _ message: borrowing NetlinkMessage) {
        switch target {
        case .none: break
        case .accept: verdict(NF_ACCEPT, nil, message)
        case .drop: verdict(NF_DROP, nil, message)
        case .return: verdict(NFT_RETURN.rawValue, nil, message)
        case .jump(let chain): verdict(NFT_JUMP.rawValue, chain.description, message)
        case .destination, .masquerade, .setMark:
            guard let part = target.encoded(family) else { return }
            expression("target", message) { message in
                message.append(NFTA_TARGET_NAME, text: part.name)
                message.append(NFTA_TARGET_REV, UInt32(part.revision).bigEndian)
                message.append(NFTA_TARGET_INFO, bytes: part.alignedData)
            }
        }
    }
    private static func verdict(_ code: some BinaryInteger, _ chain: String?, _ message: borrowing NetlinkMessage) {
        NFTExpressionWriter.verdict(code, chain, message)
    }

    static func expression(
        _ name: String, _ message: borrowing NetlinkMessage, _ body: (borrowing NetlinkMessage) -> Void
    ) {
        NFTExpressionWriter.expression(name, message, body)
    }
}

extension LegacyExtension {
    /// The data as the kernel measures it: a multiple of eight bytes.
    fileprivate var alignedData: [UInt8] {
        data + [UInt8](repeating: 0, count: (8 - data.count % 8) % 8)
    }
}
