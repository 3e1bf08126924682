internal import CNetfilter
internal import Netlink
internal import NetworkAddress

/// Writes the expressions that the kernel runs for the statements of a rule (nf_tables(7): NFTA_RULE_EXPRESSIONS).
///
/// Registers are 4 bytes wide; every statement starts with the first one.
struct NFTExpressionWriter {
    private static let first = register(0)

    /// The number of a register, as the kernel tells it again: those that are at a multiple of 16 bytes have short numbers.
    private static func register(_ position: Int) -> UInt32 {
        position % 4 == 0 ? NFT_REG_1.rawValue + UInt32(position / 4) : NFT_REG32_00.rawValue + UInt32(position)
    }

    static func append(_ statements: [NFTStatement], to message: borrowing NetlinkMessage) {
        message.nest(NFTA_RULE_EXPRESSIONS) { message in
            for statement in statements { append(statement, to: message) }
        }
    }

    private static func append(_ statement: NFTStatement, to message: borrowing NetlinkMessage) {
        switch statement {
        case .family(let family):
            loadMeta(NFT_META_NFPROTO, message)
            compare([UInt8(family == .ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6)], message)
        case .carries(let type):
            loadMeta(NFT_META_PROTOCOL, message)
            compare([UInt8(type >> 8), UInt8(type & 0xFF)], message)
        case .etherType(let type):
            loadPayload(NFT_PAYLOAD_LL_HEADER, 12, 2, message)
            compare([UInt8(type >> 8), UInt8(type & 0xFF)], message)
        case .transportIs(let number):
            loadMeta(NFT_META_L4PROTO, message)
            compare([number], message)
        case .isNeighbourAdvertisement:
            loadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, message)
            compare([136], message)
        case .advertises(let address):
            loadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 8, 16, message)
            compare(address.bytes, message)
        case .destinationIsLocal:
            expression("fib", message) { message in
                message.append(NFTA_FIB_DREG, first.bigEndian)
                message.append(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE.rawValue.bigEndian)
                message.append(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR.rawValue.bigEndian)
            }
            compare(hostOrder(UInt32(RTN_LOCAL)), message)
        case .isTranslated:
            expression("ct", message) { message in
                message.append(NFTA_CT_DREG, first.bigEndian)
                message.append(NFTA_CT_KEY, NFT_CT_STATUS.rawValue.bigEndian)
            }
            mask(hostOrder(IPS_DST_NAT.rawValue), message)
            compare(hostOrder(0), message, isNegated: true)
        case .isAnswer:
            expression("ct", message) { message in
                message.append(NFTA_CT_DREG, first.bigEndian)
                message.append(NFTA_CT_KEY, NFT_CT_STATE.rawValue.bigEndian)
            }
            // One bit for each state, behind one for packets that have none.
            mask(hostOrder(1 << (IP_CT_ESTABLISHED.rawValue + 1) | 1 << (IP_CT_RELATED.rawValue + 1)), message)
            compare(hostOrder(0), message, isNegated: true)
        case .source(let prefix, let isNegated):
            compare(prefix, at: prefix.family == .ipv4 ? 12 : 8, isNegated, message)
        case .destination(let prefix, let isNegated):
            compare(prefix, at: prefix.family == .ipv4 ? 16 : 24, isNegated, message)
        case .inputLink(let name, let isNegated):
            load(.inputLink, first, message)
            compare(NFTValue.link(name).bytes, message, isNegated: isNegated)
        case .isIn(let set, let operands, let isNegated):
            load(operands, message)
            lookUp(set, into: nil, isNegated: isNegated, message)
        case .translateDestination(let family, let map, let operands, let hasPort):
            load(operands, message)
            lookUp(map, into: first, isNegated: false, message)
            translate(family, hasPort, message)
        case .choose(let map, let operands):
            load(operands, message)
            lookUp(map, into: NFT_REG_VERDICT.rawValue, isNegated: false, message)
        case .masquerade: expression("masq", message) { _ in }
        case .accept: verdict(NF_ACCEPT, nil, message)
        case .drop: verdict(NF_DROP, nil, message)
        case .return: verdict(NFT_RETURN.rawValue, nil, message)
        case .jump(let chain): verdict(NFT_JUMP.rawValue, chain, message)
        case .goto(let chain): verdict(NFT_GOTO.rawValue, chain, message)
        }
    }

    // MARK: Loading

    private static func load(_ operands: [NFTOperand], _ message: borrowing NetlinkMessage) {
        var position = 0
        for operand in operands {
            load(operand, register(position), message)
            position += operand.type.paddedLength / 4
        }
    }

    private static func load(_ operand: NFTOperand, _ register: UInt32, _ message: borrowing NetlinkMessage) {
        switch operand {
        case .inputLink: loadMeta(NFT_META_IIFNAME, message, into: register)
        case .outputLink: loadMeta(NFT_META_OIFNAME, message, into: register)
        case .transport: loadMeta(NFT_META_L4PROTO, message, into: register)
        case .source(.ipv4): loadPayload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, message, into: register)
        case .source(.ipv6): loadPayload(NFT_PAYLOAD_NETWORK_HEADER, 8, 16, message, into: register)
        case .destination(.ipv4): loadPayload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, message, into: register)
        case .destination(.ipv6): loadPayload(NFT_PAYLOAD_NETWORK_HEADER, 24, 16, message, into: register)
        case .destinationPort: loadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, message, into: register)
        case .etherSource: loadPayload(NFT_PAYLOAD_LL_HEADER, 6, 6, message, into: register)
        case .arpSourceMAC: loadPayload(NFT_PAYLOAD_NETWORK_HEADER, 8, 6, message, into: register)
        case .arpSourceAddress: loadPayload(NFT_PAYLOAD_NETWORK_HEADER, 14, 4, message, into: register)
        }
    }

    private static func loadMeta(
        _ key: nft_meta_keys, _ message: borrowing NetlinkMessage, into register: UInt32 = first
    ) {
        expression("meta", message) { message in
            message.append(NFTA_META_KEY, key.rawValue.bigEndian)
            message.append(NFTA_META_DREG, register.bigEndian)
        }
    }

    private static func loadPayload(
        _ base: nft_payload_bases, _ offset: UInt32, _ length: UInt32, _ message: borrowing NetlinkMessage,
        into register: UInt32 = first
    ) {
        expression("payload", message) { message in
            message.append(NFTA_PAYLOAD_DREG, register.bigEndian)
            message.append(NFTA_PAYLOAD_BASE, base.rawValue.bigEndian)
            message.append(NFTA_PAYLOAD_OFFSET, offset.bigEndian)
            message.append(NFTA_PAYLOAD_LEN, length.bigEndian)
        }
    }

    // MARK: Comparing

    /// As nft does it: of a network that ends with a byte, no more than that is looked at.
    private static func compare(
        _ prefix: IPPrefix, at offset: UInt32, _ isNegated: Bool, _ message: borrowing NetlinkMessage
    ) {
        let isWhole = prefix.length % 8 == 0 && prefix.length > 0
        let count = isWhole ? prefix.length / 8 : prefix.family.bitWidth / 8
        loadPayload(NFT_PAYLOAD_NETWORK_HEADER, offset, UInt32(count), message)
        if !isWhole { mask(prefix.maskBytes, message) }
        compare(Array(prefix.first.bytes.prefix(count)), message, isNegated: isNegated)
    }

    private static func compare(
        _ bytes: [UInt8], _ message: borrowing NetlinkMessage, isNegated: Bool = false
    ) {
        expression("cmp", message) { message in
            message.append(NFTA_CMP_SREG, first.bigEndian)
            message.append(NFTA_CMP_OP, (isNegated ? NFT_CMP_NEQ : NFT_CMP_EQ).rawValue.bigEndian)
            message.nest(NFTA_CMP_DATA) { $0.append(NFTA_DATA_VALUE, bytes: bytes) }
        }
    }

    private static func hostOrder(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }

    private static func mask(_ bytes: [UInt8], _ message: borrowing NetlinkMessage) {
        expression("bitwise", message) { message in
            message.append(NFTA_BITWISE_SREG, first.bigEndian)
            message.append(NFTA_BITWISE_DREG, first.bigEndian)
            message.append(NFTA_BITWISE_LEN, UInt32(bytes.count).bigEndian)
            message.nest(NFTA_BITWISE_MASK) { $0.append(NFTA_DATA_VALUE, bytes: bytes) }
            message.nest(NFTA_BITWISE_XOR) {
                $0.append(NFTA_DATA_VALUE, bytes: [UInt8](repeating: 0, count: bytes.count))
            }
        }
    }

    private static func lookUp(
        _ set: String, into register: UInt32?, isNegated: Bool, _ message: borrowing NetlinkMessage
    ) {
        expression("lookup", message) { message in
            message.append(NFTA_LOOKUP_SET, text: set)
            message.append(NFTA_LOOKUP_SREG, first.bigEndian)
            if let register { message.append(NFTA_LOOKUP_DREG, register.bigEndian) }
            if isNegated { message.append(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV.rawValue.bigEndian) }
        }
    }

    // MARK: Acting

    private static func translate(_ family: AddressFamily, _ hasPort: Bool, _ message: borrowing NetlinkMessage) {
        expression("nat", message) { message in
            message.append(NFTA_NAT_TYPE, NFT_NAT_DNAT.rawValue.bigEndian)
            message.append(NFTA_NAT_FAMILY, UInt32(family == .ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6).bigEndian)
            message.append(NFTA_NAT_REG_ADDR_MIN, first.bigEndian)
            if hasPort {
                let port = register(NFTType.address(family).paddedLength / 4)
                message.append(NFTA_NAT_REG_PROTO_MIN, port.bigEndian)
            }
        }
    }

    static func verdict(_ code: some BinaryInteger, _ chain: String?, _ message: borrowing NetlinkMessage) {
        expression("immediate", message) { message in
            message.append(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT.rawValue.bigEndian)
            message.nest(NFTA_IMMEDIATE_DATA) { message in
                message.nest(NFTA_DATA_VERDICT) { message in
                    message.append(NFTA_VERDICT_CODE, Int32(truncatingIfNeeded: code).bigEndian)
                    if let chain { message.append(NFTA_VERDICT_CHAIN, text: chain) }
                }
            }
        }
    }

    static func expression(
        _ name: String, _ message: borrowing NetlinkMessage, _ body: (borrowing NetlinkMessage) -> Void
    ) {
        message.nest(NFTA_LIST_ELEM) { message in
            message.append(NFTA_EXPR_NAME, text: name)
            message.nest(NFTA_EXPR_DATA, body)
        }
    }
}

extension NFTOperand {
    /// What a key must have at this place.
    var type: NFTType {
        switch self {
        case .inputLink, .outputLink: .interfaceName
        case .transport: .inetProtocol
        case .source(let family), .destination(let family): .address(family)
        case .destinationPort: .inetService
        case .etherSource, .arpSourceMAC: .etherAddress
        case .arpSourceAddress: .ipv4Address
        }
    }
}

extension IPPrefix {
    /// The mask of the network's bits, in network order.
    fileprivate var maskBytes: [UInt8] {
        (0..<family.bitWidth / 8).map { position in
            let bits = min(max(length - position * 8, 0), 8)
            return bits == 0 ? 0 : UInt8(truncatingIfNeeded: 0xFF << (8 - bits))
        }
    }
}

extension NetlinkMessage {
    // The kernel's header for nf_tables names its numbers in enumerations, which Swift imports as types of their own. These
    // are the innermost of what a command does with rules: nothing generic is left of them.

    func append(_ type: some RawRepresentable<UInt32>, bytes: [UInt8]) {
        bytes.withUnsafeBytes { put(Int32(type.rawValue), $0) }
    }

    func append<Number: FixedWidthInteger & BitwiseCopyable>(_ type: some RawRepresentable<UInt32>, _ number: Number) {
        withUnsafeBytes(of: number) { put(Int32(type.rawValue), $0) }
    }

    func append(_ type: some RawRepresentable<UInt32>, text: String) { put(Int32(type.rawValue), text) }

    func nest(_ type: some RawRepresentable<UInt32>, _ body: (borrowing NetlinkMessage) -> Void) {
        let start = startNest(Int32(type.rawValue))
        body(self)
        endNest(start)
    }
}
