internal import NetworkAddress

/// The firewall as a table of nftables: a few rules that never change, in this order. `{f}` stands for ipv4 or ipv6:
///
/// 1. Chains of administrators, which `administrators` calls. They are made empty, and never changed.
/// 2. `isolated_within`, shared: pairs of one bridge twice, whose containers do not reach each other.
/// 3. `same_bridge`, shared: pairs of one bridge twice, whose containers are nobody else's concern.
/// 4. `isolated_bridges`, shared: bridges whose containers do not reach those of others of them.
/// 5. `containers_{f}`: containers whose packets are accepted, and the answers to them.
///
/// What is accepted here other tables may still drop: nf_tables asks each of them.
enum NFTFirewall {
    static let layout = NFTLayout(
        family: .inet, name: "cni_firewall",
        sets: [
            NFTSet(name: within, key: [.interfaceName, .interfaceName], isShared: true, isLookedUp: true),
            NFTSet(name: sameBridge, key: [.interfaceName, .interfaceName], isShared: true, isLookedUp: true),
            NFTSet(name: bridges, key: [.interfaceName], isShared: true, isLookedUp: true),
        ] + AddressFamily.allCases.map { NFTSet(name: "containers_\($0)", key: [.address($0)]) },
        chains: [
            NFTChain(
                name: "forward", hook: .forward(.filter, 0),
                rules: [
                    NFTRule("administrators first", .jump(administration)),
                    NFTRule("who may not reach whom", .jump("isolation")),
                ] + AddressFamily.allCases.flatMap(accepting)),
            NFTChain(name: administration, rules: []),
            NFTChain(
                name: "isolation",
                rules: [
                    NFTRule("within an isolated bridge", .isIn(within, [.inputLink, .outputLink]), .drop),
                    NFTRule("within one bridge", .isIn(sameBridge, [.inputLink, .outputLink]), .return),
                    NFTRule("between bridges", .isIn(bridges, [.inputLink]), .isIn(bridges, [.outputLink]), .drop),
                ]),
        ], administration: administration)

    private static let within = "isolated_within"
    private static let sameBridge = "same_bridge"
    private static let bridges = "isolated_bridges"
    private static let administration = "administrators"

    private static func accepting(_ family: AddressFamily) -> [NFTRule] {
        let containers = "containers_\(family)"
        return [
            NFTRule(
                "\(family): answers to containers", .family(family), .isIn(containers, [.destination(family)]),
                .isAnswer, .accept),
            NFTRule("\(family): from containers", .family(family), .isIn(containers, [.source(family)]), .accept),
        ]
    }

    /// What all containers have that are isolated on a bridge, and what only those have that are isolated within it.
    fileprivate static func policyElements(
        _ policy: ContainerAdmission.IngressPolicy
    ) -> (one: NFTElement, within: NFTElement)? {
        guard let bridge = policy.bridge.map(NFTValue.link) else { return nil }
        return (
            NFTElement(set: sameBridge, key: [bridge, bridge]), NFTElement(set: within, key: [bridge, bridge])
        )
    }

    /// What the table has to hold for a container.
    static func holding(for admission: ContainerAdmission) -> NFTHolding {
        var elements = admission.addresses.map {
            NFTElement(set: "containers_\($0.family)", key: [.address($0)])
        }
        if let bridge = admission.policy.bridge.map(NFTValue.link) {
            elements.append(NFTElement(set: bridges, key: [bridge]))
        }
        if let (one, within) = policyElements(admission.policy) {
            elements.append(one)
            if case .isolated = admission.policy { elements.append(within) }
        }
        return NFTHolding(
            owner: admission.owner, elements: elements, administrator: admission.adminChain.description
        ).withoutRepetitions
    }
}

extension NFTOwnedTable {
    /// Throws where somebody has another policy on the same bridge.
    ///
    /// - Parameter before: what the owner has already, which it is to have no longer.
    func refuseOtherPolicies(
        beside admission: ContainerAdmission, _ before: [NFTElement]
    ) throws(PacketFilterError) {
        guard let (one, within) = NFTFirewall.policyElements(admission.policy) else { return }
        // Counted, so that nobody is looked at where all is well.
        func others(_ element: NFTElement) throws(PacketFilterError) -> Int {
            (try connection.use(ofChain: element.sharedChain) ?? 0) - (before.contains(element) ? 1 : 0)
        }
        let isolated = try others(within)
        let isWithin = if case .isolated = admission.policy { true } else { false }
        if try isWithin ? others(one) == isolated : isolated == 0 { return }
        for record in try connection.chains(prefix: NFTOwnedTable.recordPrefix) {
            let elements = try recorded(record.name)
            guard elements.contains(one), elements.contains(within) != isWithin else { continue }
            throw .policyConflict(
                "nftables", bridge: admission.policy.bridge ?? "", isWithin: isWithin,
                owner: NFTOwnerComment(record.comment).description)
        }
    }
}

extension NFTLayout {
    /// Whether a chain of the table has that name, or may come to have it.
    func reserves(_ chain: String) -> Bool {
        chains.contains { $0.name == chain } || chain.hasPrefix(NFTOwnedTable.recordPrefix)
            || sets.contains { $0.isShared && chain.hasPrefix($0.name + "_") }
    }

    /// The rule by which the chain of an administrator is called.
    static func call(ofAdministrator chain: String) -> NFTRule { NFTRule(callComment + chain, .jump(chain)) }

    /// The chain of an administrator that a rule with this comment calls.
    static func administrator(calledBy comment: String) -> String? {
        comment.hasPrefix(callComment) ? String(comment.dropFirst(callComment.count)) : nil
    }

    private static let callComment = "chain of the administrator: "
}
