internal import NetworkAddress

/// Masquerading as a table of nftables. `{f}` stands for ipv4 or ipv6:
///
/// - `inside_{f}`: a container's address and the link of its own network: what leaves by it stays as it is.
/// - `sources_{f}`: containers whose packets to everywhere else carry the host's address.
enum NFTMasquerade {
    static let layout = NFTLayout(
        family: .inet, name: "cni_masquerade",
        sets: AddressFamily.allCases.flatMap { family in
            [
                NFTSet(name: "inside_\(family)", key: [.address(family), .interfaceName]),
                NFTSet(name: "sources_\(family)", key: [.address(family)]),
            ]
        },
        chains: [
            // After the usual priority, srcnat (100): a translation that somebody else chose has precedence.
            NFTChain(
                name: "postrouting", hook: .postrouting(.nat, 110), rules: AddressFamily.allCases.flatMap(rules))
        ])

    private static func rules(_ family: AddressFamily) -> [NFTRule] {
        [
            NFTRule(
                "\(family): inside its own network", .family(family),
                .isIn("inside_\(family)", [.source(family), .outputLink]), .return),
            NFTRule(
                "\(family): to the world", .family(family), .isIn("sources_\(family)", [.source(family)]),
                .destination(.multicast(family), isNegated: true), .masquerade),
        ]
    }

    /// What the table has to hold for a container.
    static func holding(for masquerading: Masquerading) -> NFTHolding {
        let elements = masquerading.addresses.flatMap { address -> [NFTElement] in
            let source = NFTValue.address(address.address)
            return [
                NFTElement(set: "inside_\(address.family)", key: [source, .link(masquerading.link)]),
                NFTElement(set: "sources_\(address.family)", key: [source]),
            ]
        }
        return NFTHolding(owner: masquerading.owner, elements: elements).withoutRepetitions
    }
}
