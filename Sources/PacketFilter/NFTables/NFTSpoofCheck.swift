internal import NetworkAddress

/// The spoof check as a table of nftables, of the family bridge:
///
/// - `pinned_links`: ports whose containers may use one hardware address only; `macs`: that address.
/// - `addressed_links`: ports whose containers may use some addresses only, to the chain of the owner, which knows what it may
///   advertise; `sources_{f}`: those addresses.
enum NFTSpoofCheck {
    static let layout = NFTLayout(
        family: .bridge, name: "cni_spoof_check",
        sets: [
            NFTSet(name: "pinned_links", key: [.interfaceName]),
            NFTSet(name: "macs", key: [.interfaceName, .etherAddress]),
            NFTSet(name: "addressed_links", key: [.interfaceName], data: [.verdict]),
            NFTSet(name: "sources_ipv4", key: [.interfaceName, .ipv4Address]),
            NFTSet(name: "sources_ipv6", key: [.interfaceName, .ipv6Address]),
        ],
        chains: [
            NFTChain(
                name: "prerouting", hook: .prerouting(.filter, -300),
                rules: [
                    NFTRule(
                        "another hardware address", .isIn("pinned_links", [.inputLink]),
                        .isIn("macs", [.inputLink, .etherSource], isNegated: true), .drop),
                    NFTRule("its addresses", .choose(map: "addressed_links", [.inputLink])),
                ]),
            NFTChain(
                name: addresses,
                rules: [
                    NFTRule(
                        "ARP with another hardware address", .etherType(arp),
                        .isIn("macs", [.inputLink, .arpSourceMAC], isNegated: true), .drop),
                    NFTRule(
                        "ARP for another address", .etherType(arp),
                        .isIn("sources_ipv4", [.inputLink, .arpSourceAddress], isNegated: true), .drop),
                    NFTRule("ARP", .etherType(arp), .accept),
                    NFTRule(
                        "IPv4 from another address", .carries(ipv4),
                        .isIn("sources_ipv4", [.inputLink, .source(.ipv4)], isNegated: true), .drop),
                    NFTRule("IPv4", .etherType(ipv4), .accept),
                    NFTRule(
                        "IPv6 from another address", .carries(ipv6),
                        .isIn("sources_ipv6", [.inputLink, .source(.ipv6)], isNegated: true), .drop),
                    NFTRule("IPv6", .etherType(ipv6), .accept),
                    // A VLAN tag, for one, hides what the frame carries, and whoever gets it may take it off.
                    NFTRule("anything else", .drop),
                ]),
        ])

    /// The chain that looks at what frames say of their senders.
    private static let addresses = "addresses"

    // Numbers of ETH_P_*.
    private static let arp: UInt16 = 0x0806
    private static let ipv4: UInt16 = 0x0800
    private static let ipv6: UInt16 = 0x86DD

    /// What the table has to hold for a container.
    static func holding(for pinning: LinkPinning) -> NFTHolding {
        let link = NFTValue.link(pinning.link)
        var holding = NFTHolding(
            owner: pinning.owner,
            elements: [
                NFTElement(set: "pinned_links", key: [link]), NFTElement(set: "macs", key: [link, .mac(pinning.mac)]),
            ])
        guard let addresses = pinning.addresses else { return holding }
        holding.elements.append(
            NFTElement(
                set: "addressed_links", key: [link], data: [.chain(NFTOwnedTable.record(of: pinning.owner))]))
        var own = addresses
        if let linkLocal = linkLocal(pinning.mac), !own.contains(linkLocal) { own.append(linkLocal) }
        // Before it has an address, a container asks whether somebody else has it: from ::, and in ARP from 0.0.0.0.
        for source in own + AddressFamily.allCases.map(IPAddress.unspecified) {
            holding.elements.append(NFTElement(set: "sources_\(source.family)", key: [link, .address(source)]))
        }
        let advertisement: [NFTStatement] = [.etherType(ipv6), .transportIs(58), .isNeighbourAdvertisement]
        for address in own where address.family == .ipv6 {
            holding.rules.append(
                NFTRule("advertises \(address)", advertisement + [.advertises(address), .goto(self.addresses)]))
        }
        holding.rules.append(NFTRule("advertises another address", advertisement + [.drop]))
        holding.rules.append(NFTRule("everything else", .goto(self.addresses)))
        return holding.withoutRepetitions
    }

    /// The address that the kernel makes of a hardware address for the link alone (RFC 4291, appendix A).
    private static func linkLocal(_ mac: MACAddress) -> IPAddress? {
        let mac = mac.bytes
        return IPAddress(
            bytes: [0xFE, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xFF, 0xFE, mac[3], mac[4], mac[5]])
    }
}
