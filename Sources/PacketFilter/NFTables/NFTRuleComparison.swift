internal import CNetfilter
internal import Netlink

/// Finds out whether a rule of the kernel does what a rule of ours says.
///
/// The kernel tells the expressions of a rule in the order in which they were given, with attributes that it has filled in
/// and in an order of its own. A rule is the same where there are as many expressions, and each has all that ours has. Ours are
/// those that nft makes of the text of the rule, so that a table that was saved and loaded again is the same.
enum NFTRuleComparison {
    /// - Parameter expressions: the value of NFTA_RULE_EXPRESSIONS.
    static func isSame(_ expressions: [UInt8], as rule: NFTRule) -> Bool {
        let message = NetlinkMessage(
            nft: NFT_MSG_NEWRULE, .inet, capacity: 4096 + 512 * rule.statements.count)
        NFTExpressionWriter.append(rule.statements, to: message)
        guard let wanted = attributes(message.attributeBytes(after: nfgenmsg.self)[...]).first else { return false }
        let ours = attributes(wanted.value)
        // A rule that `nft -f` has read again has such expressions too, which do nothing to two bytes.
        let theirs = attributes(expressions[...]).filter { name(of: $0) != "byteorder" }
        return ours.count == theirs.count && zip(ours, theirs).allSatisfy { isCovered($0, by: $1) }
    }

    /// What kind of expression it is.
    private static func name(of expression: RawAttribute) -> String? {
        attributes(expression.value).first { $0.type == UInt16(NFTA_EXPR_NAME.rawValue) }
            .map { String(decoding: $0.value.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private struct RawAttribute {
        let type: UInt16
        let isNested: Bool
        let value: ArraySlice<UInt8>
    }

    private static func isCovered(_ ours: RawAttribute, by theirs: RawAttribute) -> Bool {
        guard ours.type == theirs.type else { return false }
        guard ours.isNested else { return ours.value.elementsEqual(theirs.value) }
        let found = attributes(theirs.value)
        return attributes(ours.value).allSatisfy { part in found.contains { isCovered(part, by: $0) } }
    }

    /// The attributes in a row (struct nlattr): length, type, value, and up to three bytes to the next.
    private static func attributes(_ bytes: ArraySlice<UInt8>) -> [RawAttribute] {
        var rest = bytes
        var attributes: [RawAttribute] = []
        while rest.count >= 4 {
            let length = Int(rest.load(0) as UInt16)
            let type: UInt16 = rest.load(2)
            guard length >= 4, length <= rest.count else { break }
            attributes.append(
                RawAttribute(
                    type: type & 0x3FFF, isNested: type & 0x8000 != 0,
                    value: rest.dropFirst(4).prefix(length - 4)))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return attributes
    }
}
