public import NetworkAddress

extension IPTablesPlan {
    /// The rules of published ports for one family; nil where there is nothing to publish in it.
    ///
    /// Throws where a name of the intent cannot stand in a rule.
    public init?(_ forwarding: PortForwarding, _ family: AddressFamily) throws(PacketFilterError) {
        let mappings = forwarding.mappings.filter { $0.concerns(family) }
        guard let container = forwarding.containers.first(where: { $0.family == family }), !mappings.isEmpty else {
            return nil
        }
        let own = ChainName.hostPorts(of: forwarding.owner.network, forwarding.owner.containerID)
        let marking = forwarding.sourceTranslation == .never ? nil : try IPTablesPlan.markingChain(forwarding.mark)

        self.init(
            family: family, purpose: .portForwarding,
            sharedChains: [], sharedEntries: [],
            ownChain: Chain(
                .nat, own,
                rules: (family == .ipv6 ? [IPTablesPlan.exceptLoopback] : [])
                    + mappings.flatMap {
                        IPTablesPlan.rules(of: $0, to: container, forwarding.sourceTranslation, marking)
                    }),
            ownEntries: try IPTablesPlan.entries(forwarding, mappings, family, to: own), published: mappings)
        share(Chain(.nat, .hostPorts))
        sharedEntries += IPTablesPlan.hostPortsEntries
        if marking != nil, case .bit(let bit) = forwarding.mark { shareMarking(1 << UInt32(bit & 31)) }
        if marking != nil, family == .ipv4, forwarding.link != nil { shareLoopbackGuard() }
    }

    /// One rule in the shared chain for each protocol and as many ports as a match takes.
    private static func entries(
        _ forwarding: PortForwarding, _ mappings: [PortMapping], _ family: AddressFamily, to own: ChainName
    ) throws(PacketFilterError) -> [Entry] {
        var pattern = IPTablesRule(target: .jump(own))
        for condition in forwarding.conditions where condition.family == family { try pattern.add(condition) }
        let comment = try OwnerComment.comment(.portForwarding, forwarding.owner)
        return TransportProtocol.allCases.sorted { $0.description < $1.description }.flatMap { transport in
            var ranges: [ClosedRange<UInt16>] = []
            for mapping in mappings where mapping.transport == transport && !ranges.contains(mapping.hostPorts) {
                ranges.append(mapping.hostPorts)
            }
            return IPTablesRule.PortSet.filling(ranges).map { ports in
                var rule = pattern
                rule.protocolNumber = IPProtocol(transport)
                rule.matches = [.comment(comment), .multiport(ports)]
                return Entry(.nat, .hostPorts, rule)
            }
        }
    }

    /// The rules of the container's chain for one mapping: those that mark come first, as DNAT ends the way.
    private static func rules(
        of mapping: PortMapping, to container: IPPrefix, _ translation: PortForwarding.SourceTranslation,
        _ marking: ChainName?
    ) -> [IPTablesRule] {
        var rule = IPTablesRule(
            destination: mapping.specificHostAddress.map { .only(IPPrefix(only: $0)) },
            protocolNumber: IPProtocol(mapping.transport),
            matches: [.destinationPorts(mapping.transport, mapping.hostPorts)])
        var rules: [IPTablesRule] = []
        if let marking {
            rule.target = .jump(marking)
            rule.source = translation == .always ? nil : .only(container.network)
            rules.append(rule)
            if container.family == .ipv4 {
                // Nothing new after a rule for everybody, but older versions of the reference look for it.
                rule.source = .only(.loopbackHost)
                rules.append(rule)
            }
            rule.source = nil
        }
        let port = mapping.containerPort
        rule.target = .destination(
            IPTablesRule.Destination(container.address, ports: mapping.hostPorts.count == 1 ? port...port : nil))
        return rules + [rule]
    }

    private static func markingChain(_ mark: PortForwarding.Mark) throws(PacketFilterError) -> ChainName {
        guard case .externalChain(let text) = mark else { return .setMark }
        guard let name = ChainName(text) else {
            throw PacketFilterError(
                backend: .iptables, operation: "mark packets by a chain", cause: .mismatch,
                message: "a name has 1 to 28 letters, digits, - and _")
        }
        return name
    }

    private mutating func share(_ chain: Chain) {
        sharedChains.append(chain)
    }

    private mutating func shareMarking(_ mark: UInt32) {
        share(
            Chain(
                .nat, .setMark,
                rules: [
                    IPTablesRule(
                        matches: [.comment(RuleComment(known: "CNI portfwd masquerade mark"))],
                        target: .setMark(value: mark, mask: mark))
                ]))
        share(
            Chain(
                .nat, .masqueradeMarked,
                rules: [IPTablesRule(matches: [.mark(value: mark, mask: mark)], target: .masquerade)]))
        sharedEntries.append(IPTablesPlan.masqueradeEntry)
    }

    /// Whoever publishes ports on 127.0.0.1 lets packets for loopback addresses through (route_localnet): from then on
    /// neighbours of the host could send such (CVE-2020-8558), and reach what listens there.
    private mutating func shareLoopbackGuard() {
        let comment = RuleComment(known: "CNI portfwd: loopback addresses only from here")
        share(
            Chain(
                .raw, .loopbackGuard,
                rules: [
                    IPTablesRule(
                        destination: .only(.loopbackNetwork), inputLink: .not(.loopback), matches: [.comment(comment)],
                        target: .drop),
                    // Where the kernel lets them be routed, others could claim to be them.
                    IPTablesRule(
                        source: .only(.loopbackNetwork), inputLink: .not(.loopback), matches: [.comment(comment)],
                        target: .drop),
                ]))
        sharedEntries.append(IPTablesPlan.loopbackGuardEntry)
    }
}

extension IPTablesPlan {
    /// How packets for this host get to the published ports: those from outside and those of the host itself.
    static let hostPortsEntries = [ChainName.prerouting, .output].map { chain in
        Entry(.nat, chain, IPTablesRule(matches: [.localDestination], target: .jump(.hostPorts)))
    }

    /// Packets from ::1 are routed nowhere but to the host itself. The reference has no such rule.
    static let exceptLoopback = IPTablesRule(
        destination: .only(IPPrefix(only: IPAddress(.ipv6, number: 1))), target: .return)

    /// First: a rule that accepts packets within a network, as masquerading has them, would end the way before it.
    static let masqueradeEntry = Entry(
        .nat, .postrouting,
        IPTablesRule(
            matches: [.comment(RuleComment(known: "CNI portfwd requiring masquerade"))],
            target: .jump(.masqueradeMarked)),
        isFirst: true)

    /// First: somebody else's rule that accepts would end the way before it.
    static let loopbackGuardEntry = Entry(
        .raw, .prerouting, IPTablesRule(target: .jump(.loopbackGuard)), isFirst: true)
}

extension IPTablesRule {
    /// One more condition; throws where there is one of its kind already, or its name cannot stand in a rule.
    fileprivate mutating func add(_ condition: RuleCondition) throws(PacketFilterError) {
        switch condition.subject {
        case .source(let prefix) where source == nil:
            source = condition.isNegated ? .not(prefix.network) : prefix.length == 0 ? nil : .only(prefix.network)
        case .destination(let prefix) where destination == nil:
            destination = condition.isNegated ? .not(prefix.network) : prefix.length == 0 ? nil : .only(prefix.network)
        case .inputLink(let name) where inputLink == nil:
            guard let pattern = LinkPattern(name) else {
                throw PacketFilterError(
                    backend: .iptables, operation: "add conditions to published ports", cause: .mismatch,
                    message: "a name of a link that a rule cannot hold")
            }
            inputLink = condition.isNegated ? .not(pattern) : .only(pattern)
        default:
            throw PacketFilterError(
                backend: .iptables, operation: "add conditions to published ports", cause: .mismatch,
                message: "more than one of a kind")
        }
    }
}

extension IPPrefix {
    /// 127.0.0.1/32
    static let loopbackHost = IPPrefix(only: IPAddress(.ipv4, number: 0x7F00_0001))
    /// 127.0.0.0/8
    static let loopbackNetwork = IPPrefix(only: IPAddress(.ipv4, number: 0x7F00_0000)).widened(to: 8)
    /// 224.0.0.0/4 or ff00::/8
    static func multicast(_ family: AddressFamily) -> IPPrefix {
        family == .ipv4
            ? IPPrefix(only: IPAddress(.ipv4, number: 0xE000_0000)).widened(to: 4)
            : IPPrefix(only: IPAddress(.ipv6, number: 0xFF << 120)).widened(to: 8)
    }

    /// The network of that length that it is in; itself where it is no longer than that.
    private func widened(to length: Int) -> IPPrefix { IPPrefix(address, length: length)?.network ?? self }
}
