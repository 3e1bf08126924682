public import NetworkAddress

/// What is to be in table filter of one family for one container that is let through: a value, made from an intent.
///
/// Packets come to it in chain FORWARD, in this order:
///
/// 1. The administrator's chain, where containers are isolated: so that it has a say before they are.
/// 2. `CNI-ISOLATION-STAGE-1`, which leads what comes out of isolated bridges to `CNI-ISOLATION-STAGE-2`, which drops what
///    goes into one.
/// 3. `CNI-FORWARD`, which asks the administrator's chain, and then accepts what containers send, and the answers.
///
/// All but the first rule is as the reference plugins have it, which only look whether a rule is there.
public struct IPTablesAdmission: Equatable, Sendable {
    /// A bridge whose containers are isolated, as a record tells it again.
    struct Isolation: Hashable, Sendable {
        let bridge: LinkPattern
        /// Whether those of the same bridge do not reach each other either.
        let isWithin: Bool
    }

    public let family: AddressFamily
    public let adminChain: ChainName
    /// The rules for the container's addresses.
    public let accepting: [IPTablesRule]
    let isolation: Isolation?
    /// What was made for whom. Nothing leads to it.
    public let record: IPTablesPlan.Chain

    /// Nil where there is nothing to do in that family. Throws where a name of the intent cannot stand in a rule.
    public init?(_ admission: ContainerAdmission, _ family: AddressFamily) throws(PacketFilterError) {
        guard admission.families.contains(family) else { return nil }
        self.family = family
        adminChain = admission.adminChain
        var addresses: [IPAddress] = []
        for address in admission.addresses where address.family == family && !addresses.contains(address) {
            addresses.append(address)
        }
        accepting = addresses.flatMap { IPTablesRule.accepting($0) }
        isolation = try Isolation(admission.policy)
        let comment = try AdmissionComment(admission.owner).comment
        record = IPTablesPlan.Chain(
            .filter, .record(of: admission.owner),
            rules: addresses.map { IPTablesRule(source: .only(IPPrefix(only: $0)), matches: [.comment(comment)]) }
                + (isolation.map { [$0.pattern(.comment(comment))] } ?? []))
    }
}

extension IPTablesAdmission.Isolation {
    fileprivate init?(_ policy: ContainerAdmission.IngressPolicy) throws(PacketFilterError) {
        guard let name = policy.bridge else { return nil }
        // A plus at the end would isolate other bridges too.
        guard let bridge = LinkPattern(name), !bridge.isPrefix else {
            throw PacketFilterError(
                backend: .iptables, operation: "isolate the containers of a bridge", cause: .mismatch,
                message: "the name of the bridge is one that a rule cannot hold")
        }
        self.bridge = bridge
        if case .isolated = policy { isWithin = true } else { isWithin = false }
    }

    /// What a record says; nil where that is an address.
    init?(record rule: IPTablesRule) {
        guard case .only(let bridge)? = rule.inputLink, rule.outputLink == nil || rule.outputLink == .not(bridge) else {
            return nil
        }
        self.bridge = bridge
        isWithin = rule.outputLink == nil
    }

    /// Packets that come out of the bridge, and are to go into none.
    fileprivate func pattern(_ comment: IPTablesRule.Match, _ target: IPTablesRule.Target = .none) -> IPTablesRule {
        IPTablesRule(
            inputLink: .only(bridge), outputLink: isWithin ? nil : .not(bridge), matches: [comment], target: target)
    }

    /// The rule of `CNI-ISOLATION-STAGE-1`.
    var out: IPTablesRule {
        pattern(
            isWithin ? .comment(RuleComment(known: "CNI firewall plugin rules (ingressPolicy: isolated)")) : .isolation,
            .jump(.isolationIn))
    }

    /// The rule of `CNI-ISOLATION-STAGE-2`.
    var into: IPTablesRule { IPTablesRule(outputLink: .only(bridge), matches: [.isolation], target: .drop) }
}

extension IPTablesRule {
    /// Leads from `FORWARD` to `CNI-FORWARD`.
    static let toForwarding = IPTablesRule(
        matches: [.comment(RuleComment(known: "CNI firewall plugin rules"))], target: .jump(.forwarding))

    /// Leads from `FORWARD` to `CNI-ISOLATION-STAGE-1`.
    static let toIsolation = IPTablesRule(matches: [.isolation], target: .jump(.isolationOut))

    /// Ends the chains of isolation.
    static let endOfIsolation = IPTablesRule(matches: [.isolation], target: .return)

    /// Leads to the chain of an administrator.
    static func toAdministrators(_ chain: ChainName) -> IPTablesRule {
        IPTablesRule(matches: [.administrators], target: .jump(chain))
    }

    /// Whether it leads to the chain of an administrator, whichever that is.
    var leadsToAdministrators: Bool { jumpDestination.map { self == .toAdministrators($0) } ?? false }

    /// The rules of `CNI-FORWARD` for a container's address: what it gets, and what it sends.
    static func accepting(_ address: IPAddress) -> [IPTablesRule] {
        let address = Test.only(IPPrefix(only: address))
        return [
            IPTablesRule(destination: address, matches: [.isAnswer], target: .accept),
            IPTablesRule(source: address, target: .accept),
        ]
    }
}

extension IPTablesRule.Match {
    fileprivate static let isolation = comment(
        RuleComment(known: "CNI firewall plugin rules (ingressPolicy: same-bridge)"))
    fileprivate static let administrators = comment(RuleComment(known: "CNI firewall plugin admin overrides"))
}
