internal import CNetfilter
internal import Glibc
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
        let written = message.attributeBytes(after: nfgenmsg.self)
        return written.withUnsafeBytes { written in
            expressions.withUnsafeBytes { expressions in
                var attributes = RawAttributes(rest: written)
                guard let wanted = attributes.next() else { return false }
                return isSame(wanted.parts, RawAttributes(rest: expressions))
            }
        }
    }

    /// Whether two lists of expressions are as long as each other, and each expression has all of its counterpart.
    private static func isSame(_ ours: RawAttributes, _ theirs: RawAttributes) -> Bool {
        var theirs = theirs
        for expression in ours {
            guard let found = nextExpression(&theirs), isCovered(expression, by: found) else { return false }
        }
        return nextExpression(&theirs) == nil
    }

    /// The next expression that does something: a rule that `nft -f` has read again has some that do nothing to two bytes.
    private static func nextExpression(_ list: inout RawAttributes) -> RawAttribute? {
        while let expression = list.next() {
            var parts = expression.parts
            guard let name = parts.first(of: UInt16(NFTA_EXPR_NAME.rawValue)), name.isText("byteorder") else {
                return expression
            }
        }
        return nil
    }

    private static func isCovered(_ ours: RawAttribute, by theirs: RawAttribute) -> Bool {
        guard ours.type == theirs.type else { return false }
        guard ours.isNested else { return ours.isSame(as: theirs) }
        var wanted = ours.parts
        while let part = wanted.next() { guard isCovered(part, byOneOf: theirs.parts) else { return false } }
        return true
    }

    private static func isCovered(_ ours: RawAttribute, byOneOf theirs: RawAttributes) -> Bool {
        var theirs = theirs
        while let candidate = theirs.first(of: ours.type) { if isCovered(ours, by: candidate) { return true } }
        return false
    }
}

/// An attribute, valid as long as the memory that it lies in: a CHECK compares hundreds, and copies none.
private struct RawAttribute {
    let type: UInt16
    let isNested: Bool
    let value: UnsafeRawBufferPointer

    /// The attributes inside.
    var parts: RawAttributes { RawAttributes(rest: value) }

    /// Whether the values are the same bytes.
    func isSame(as other: RawAttribute) -> Bool {
        guard value.count == other.value.count else { return false }
        guard let bytes = value.baseAddress, let others = other.value.baseAddress else { return true }
        return memcmp(bytes, others, value.count) == 0
    }

    /// Whether the value is this text, with the NUL at its end.
    func isText(_ text: StaticString) -> Bool {
        guard let bytes = value.baseAddress, value.count == text.utf8CodeUnitCount + 1 else { return false }
        return memcmp(bytes, text.utf8Start, value.count) == 0
    }
}

/// Attributes in a row (struct nlattr): length, type, value, and up to three bytes to the next. What is cut short ends it.
private struct RawAttributes: Sequence, IteratorProtocol {
    var rest: UnsafeRawBufferPointer

    /// The next one of a type.
    mutating func first(of type: UInt16) -> RawAttribute? {
        while let attribute = next() { if attribute.type == type { return attribute } }
        return nil
    }

    mutating func next() -> RawAttribute? {
        guard rest.count >= 4 else { return nil }
        let length = Int(rest.loadUnaligned(as: UInt16.self))
        let type = rest.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
        guard length >= 4, length <= rest.count else {
            rest = UnsafeRawBufferPointer(start: nil, count: 0)
            return nil
        }
        let value = UnsafeRawBufferPointer(rebasing: rest[4..<length])
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst((length + 3) & ~3))
        return RawAttribute(type: type & 0x3FFF, isNested: type & 0x8000 != 0, value: value)
    }
}
