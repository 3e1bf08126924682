internal import CNetfilter
internal import Netlink
internal import NetworkAddress

/// Reads the expressions of a rule that iptables of the nft kind, or we, have written: what it looks at is loaded into a
/// register, perhaps masked, and compared; extensions of iptables stand there as they are.
struct NFTVariantRuleReader {
    private let family: AddressFamily
    private var rule = IPTablesRule()
    private var loaded: Loaded?
    private var mask: [UInt8]?
    private var isUnderstood = true
    private var destination: String?

    /// What was loaded last.
    private enum Loaded: Equatable {
        case meta(UInt32)
        case payload(base: UInt32, offset: UInt32, length: UInt32)
    }

    /// A rule as it was read.
    static func read(_ expressions: Attributes, _ family: AddressFamily) -> IPTablesState.Rule {
        var reader = NFTVariantRuleReader(family: family)
        for expression in expressions.all(NFTA_LIST_ELEM.rawValue) {
            guard let name = expression.nested[NFTA_EXPR_NAME.rawValue]?.text else { continue }
            reader.read(name, expression.nested[NFTA_EXPR_DATA.rawValue]?.nested)
        }
        return reader.isUnderstood
            ? IPTablesState.Rule(reader.rule) : IPTablesState.Rule(unknownLeadingTo: reader.destination)
    }

    private init(family: AddressFamily) { self.family = family }

    private mutating func read(_ name: String, _ data: Attributes?) {
        guard let data else {
            if name != "counter" { isUnderstood = false }
            return
        }
        switch name {
        case "counter": break
        case "meta":
            load(data.number(NFTA_META_KEY).map(Loaded.meta))
        case "payload":
            guard let base = data.number(NFTA_PAYLOAD_BASE), let offset = data.number(NFTA_PAYLOAD_OFFSET),
                let length = data.number(NFTA_PAYLOAD_LEN)
            else { return load(nil) }
            load(.payload(base: base, offset: offset, length: length))
        case "bitwise": mask = data.value(NFTA_BITWISE_MASK)
        case "cmp":
            let isNegated = data.number(NFTA_CMP_OP) == NFT_CMP_NEQ.rawValue
            if !isNegated && data.number(NFTA_CMP_OP) != NFT_CMP_EQ.rawValue { isUnderstood = false }
            compare(data.value(NFTA_CMP_DATA) ?? [], isNegated)
        case "range": compareRange(data)
        case "match": readMatch(data)
        case "target": readTarget(data)
        case "immediate": readVerdict(data)
        default: isUnderstood = false
        }
    }

    private mutating func load(_ subject: Loaded?) {
        loaded = subject
        mask = nil
        if subject == nil { isUnderstood = false }
    }

    private mutating func compare(_ value: [UInt8], _ isNegated: Bool) {
        let layout = PacketLayout(family)
        switch loaded {
        case .meta(NFT_META_L4PROTO.rawValue) where !isNegated && value.count == 1:
            rule.protocolNumber = IPProtocol(number: value[0])
        case .meta(NFT_META_IIFNAME.rawValue): rule.inputLink = link(value, isNegated)
        case .meta(NFT_META_OIFNAME.rawValue): rule.outputLink = link(value, isNegated)
        case .meta(NFT_META_MARK.rawValue) where !isNegated && value.count == 4:
            let mask = mask ?? [0xFF, 0xFF, 0xFF, 0xFF]
            rule.matches.append(.mark(value: value[...].hostOrder, mask: mask[...].hostOrder))
        case .payload(NFT_PAYLOAD_NETWORK_HEADER.rawValue, layout.source, let length):
            rule.source = prefix(value, length, isNegated)
        case .payload(NFT_PAYLOAD_NETWORK_HEADER.rawValue, layout.destination, let length):
            rule.destination = prefix(value, length, isNegated)
        case .payload(NFT_PAYLOAD_NETWORK_HEADER.rawValue, layout.protocolNumber, 1)
        where !isNegated && value.count == 1:
            rule.protocolNumber = IPProtocol(number: value[0])
        case .payload(NFT_PAYLOAD_TRANSPORT_HEADER.rawValue, 2, 2) where !isNegated && value.count == 2:
            ports(value, value)
        default: isUnderstood = false
        }
    }

    private mutating func compareRange(_ data: Attributes) {
        guard loaded == .payload(base: NFT_PAYLOAD_TRANSPORT_HEADER.rawValue, offset: 2, length: 2),
            data.number(NFTA_RANGE_OP) == NFT_RANGE_EQ.rawValue, let first = data.value(NFTA_RANGE_FROM_DATA),
            let last = data.value(NFTA_RANGE_TO_DATA), first.count == 2, last.count == 2
        else {
            isUnderstood = false
            return
        }
        ports(first, last)
    }

    private mutating func ports(_ first: [UInt8], _ last: [UInt8]) {
        let (first, last) = (UInt16(first[0]) << 8 | UInt16(first[1]), UInt16(last[0]) << 8 | UInt16(last[1]))
        guard let transport = rule.protocolNumber?.transport, first <= last else {
            isUnderstood = false
            return
        }
        rule.matches.append(.destinationPorts(transport, first...last))
    }

    private mutating func prefix(_ value: [UInt8], _ length: UInt32, _ isNegated: Bool) -> IPTablesRule.Test<IPPrefix>?
    {
        let width = family.bitWidth / 8
        guard value.count <= width, value.count == Int(length),
            let address = IPAddress(bytes: value + [UInt8](repeating: 0, count: width - value.count)),
            let bits = mask.map(\.leadingBits) ?? value.count * 8, let prefix = IPPrefix(address, length: bits)
        else {
            isUnderstood = false
            return nil
        }
        return isNegated ? .not(prefix) : .only(prefix)
    }

    /// A name ends with a NUL; one that does not stands for all that begin so.
    private mutating func link(_ value: [UInt8], _ isNegated: Bool) -> IPTablesRule.Test<LinkPattern>? {
        let name = String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
        guard let pattern = LinkPattern(value.contains(0) ? name : name + "+"), mask == nil else {
            isUnderstood = false
            return nil
        }
        return isNegated ? .not(pattern) : .only(pattern)
    }

    private mutating func readMatch(_ data: Attributes) {
        guard let part = LegacyExtension(data, NFTA_MATCH_NAME, NFTA_MATCH_REV, NFTA_MATCH_INFO),
            let match = IPTablesRule.Match(part)
        else {
            isUnderstood = false
            return
        }
        rule.matches.append(match)
    }

    private mutating func readTarget(_ data: Attributes) {
        guard let part = LegacyExtension(data, NFTA_TARGET_NAME, NFTA_TARGET_REV, NFTA_TARGET_INFO),
            let target = IPTablesRule.Target(part, family)
        else {
            isUnderstood = false
            return
        }
        rule.target = target
    }

    private mutating func readVerdict(_ data: Attributes) {
        let verdict = data[NFTA_IMMEDIATE_DATA.rawValue]?.nested[NFTA_DATA_VERDICT.rawValue]?.nested
        let code = verdict?.number(NFTA_VERDICT_CODE).map { Int32(bitPattern: $0) }
        let chain = verdict?[NFTA_VERDICT_CHAIN.rawValue]?.text
        switch code {
        case Int32(NF_ACCEPT): rule.target = .accept
        case Int32(NF_DROP): rule.target = .drop
        case NFT_RETURN.rawValue: rule.target = .return
        case NFT_JUMP.rawValue:
            destination = chain
            if let name = chain.flatMap(ChainName.init) { rule.target = .jump(name) } else { isUnderstood = false }
        default:
            destination = chain
            isUnderstood = false
        }
    }
}

/// Where things are in the header of a packet, in bytes from its start.
struct PacketLayout {
    let source: UInt32
    let destination: UInt32
    let protocolNumber: UInt32

    init(_ family: AddressFamily) {
        (source, destination, protocolNumber) = family == .ipv4 ? (12, 16, 9) : (8, 24, 6)
    }
}

extension LegacyExtension {
    /// From the expression that stands for one.
    fileprivate init?(
        _ data: Attributes, _ name: some RawRepresentable<UInt32>, _ revision: some RawRepresentable<UInt32>,
        _ information: some RawRepresentable<UInt32>
    ) {
        guard let name = data[name.rawValue]?.text, let revision = data.number(revision),
            let bytes = data[information.rawValue]?.bytes
        else { return nil }
        self.init(name, revision: UInt8(truncatingIfNeeded: revision), bytes)
    }
}

extension Attributes {
    /// A number, which nf_tables tells in network order.
    fileprivate func number(_ type: some RawRepresentable<UInt32>) -> UInt32? {
        self[type.rawValue]?.networkNumber
    }

    /// The bytes of a value.
    fileprivate func value(_ type: some RawRepresentable<UInt32>) -> [UInt8]? {
        self[type.rawValue]?.nested[NFTA_DATA_VALUE.rawValue]?.bytes
    }
}

extension [UInt8] {
    /// How many bits are set at the start, where none is after that.
    fileprivate var leadingBits: Int? {
        let bits = reduce(0) { $0 + $1.nonzeroBitCount }
        for (position, byte) in enumerated() {
            let wanted = Swift.min(Swift.max(bits - position * 8, 0), 8)
            guard byte == (wanted == 0 ? 0 : UInt8(truncatingIfNeeded: 0xFF << (8 - wanted))) else { return nil }
        }
        return bits
    }
}

extension ArraySlice<UInt8> {
    /// Four bytes as a number of this machine.
    fileprivate var hostOrder: UInt32 { load(0) }
}
