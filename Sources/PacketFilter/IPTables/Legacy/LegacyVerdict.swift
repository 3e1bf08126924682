/// What the target of a rule says about the way of a packet.
public enum LegacyVerdict: Equatable, Sendable {
    /// An extension decides.
    case byExtension
    /// It goes on with the next rule.
    case next
    /// It goes on in a chain, by the number of that in ``LegacyTable``.
    case chain(Int)
    /// It ends, or returns: a negative number of the kernel's.
    case fixed(Int32)

    /// -NF_DROP - 1
    static let drop = LegacyVerdict.fixed(-1)
    /// -NF_ACCEPT - 1
    static let accept = LegacyVerdict.fixed(-2)
    /// XT_RETURN
    static let `return` = LegacyVerdict.fixed(-5)
}
