public import NetworkAddress

/// One rule of iptables as a value, whichever way it gets to the kernel.
///
/// It holds what this module needs and no more. Every part is checked where it is made: no rule can hold text that means
/// something else to a reader of rules.
public struct IPTablesRule: Hashable, Sendable {
    /// What a packet must have, or must not.
    public enum Test<Value: Hashable & Sendable>: Hashable, Sendable {
        case only(Value)
        case not(Value)

        var value: Value {
            switch self {
            case .only(let value), .not(let value): value
            }
        }

        var isNegated: Bool { if case .not = self { true } else { false } }
    }

    /// The sender's network (`-s`), without host bits.
    public var source: Test<IPPrefix>?
    /// The receiver's network (`-d`), without host bits.
    public var destination: Test<IPPrefix>?
    /// The link that the packet came in on (`-i`).
    public var inputLink: Test<LinkPattern>?
    /// The link that it leaves by (`-o`).
    public var outputLink: Test<LinkPattern>?
    /// `-p`
    public var protocolNumber: IPProtocol?
    /// What else has to hold, in this order.
    public var matches: [Match]
    public var target: Target

    public init(
        source: Test<IPPrefix>? = nil, destination: Test<IPPrefix>? = nil, inputLink: Test<LinkPattern>? = nil,
        outputLink: Test<LinkPattern>? = nil, protocolNumber: IPProtocol? = nil, matches: [Match] = [],
        target: Target = .none
    ) {
        self.source = source?.normal
        self.destination = destination?.normal
        self.inputLink = inputLink
        self.outputLink = outputLink
        self.protocolNumber = protocolNumber
        self.matches = matches
        self.target = target
    }

    /// Its comment, if it has one.
    public var comment: RuleComment? {
        for case .comment(let comment) in matches { return comment }
        return nil
    }

    /// Where a jump leads.
    public var jumpDestination: ChainName? { if case .jump(let chain) = target { chain } else { nil } }
}

extension IPTablesRule.Test<IPPrefix> {
    /// Without host bits. Every address of the family is no condition at all, as iptables has it.
    fileprivate var normal: Self? {
        switch self {
        case .only(let prefix): prefix.length == 0 ? nil : .only(prefix.network)
        case .not(let prefix): .not(prefix.network)
        }
    }
}
