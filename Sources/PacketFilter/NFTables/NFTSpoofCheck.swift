internal import NetworkAddress

/// The spoof check as a table of nftables, of the family bridge:
///
/// - `pinned_links`: ports whose containers may use one hardware address only; `macs`: that address.
/// - `addressed_links`: ports whose containers may use some addresses only; `sources_{f}`: those addresses.
enum NFTSpoofCheck {
    static let layout = NFTLayout(
        family: .bridge, name: "cni_spoof_check",
        sets: [
            NFTSet(name: "pinned_links", key: [.interfaceName]),
            NFTSet(name: "macs", key: [.interfaceName, .etherAddress]),
            NFTSet(name: "addressed_links", key: [.interfaceName]),
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
                    NFTRule("its addresses", .isIn("addressed_links", [.inputLink]), .jump("addresses")),
                ]),
            NFTChain(
                name: "addresses",
                rules: [
                    NFTRule(
                        "ARP with another hardware address", .etherType(arp),
                        .isIn("macs", [.inputLink, .arpSourceMAC], isNegated: true), .drop),
                    NFTRule(
                        "ARP for another address", .etherType(arp),
                        .isIn("sources_ipv4", [.inputLink, .arpSourceAddress], isNegated: true), .drop),
                    NFTRule("ARP", .etherType(arp), .accept),
                    NFTRule(
                        "IPv4 from another address", .etherType(ipv4),
                        .isIn("sources_ipv4", [.inputLink, .source(.ipv4)], isNegated: true), .drop),
                    NFTRule("IPv4", .etherType(ipv4), .accept),
                    NFTRule(
                        "advertisement of another address", .etherType(ipv6), .transportIs(58),
                        .isNeighbourAdvertisement,
                        .isIn("sources_ipv6", [.inputLink, .advertisedAddress], isNegated: true), .drop),
                    NFTRule(
                        "IPv6 from another address", .etherType(ipv6),
                        .isIn("sources_ipv6", [.inputLink, .source(.ipv6)], isNegated: true), .drop),
                    NFTRule("IPv6", .etherType(ipv6), .accept),
                    // A second VLAN tag, for one, hides what the frame carries, and whoever gets it takes both tags off.
                    NFTRule("anything else", .drop),
                ]),
        ])

    // Numbers of ETH_P_*.
    private static let arp: UInt16 = 0x0806
    private static let ipv4: UInt16 = 0x0800
    private static let ipv6: UInt16 = 0x86DD

    /// What the table has to hold for a container.
    static func holding(for pinning: PortPinning) -> NFTHolding {
        NFTHolding(owner: pinning.owner, elements: elements(for: pinning)).withoutRepetitions
    }

    private static func elements(for pinning: PortPinning) -> [NFTElement] {
        let link = NFTValue.link(pinning.link)
        var elements = [
            NFTElement(set: "pinned_links", key: [link]), NFTElement(set: "macs", key: [link, .mac(pinning.mac)]),
        ]
        guard let addresses = pinning.addresses else { return elements }
        elements.append(NFTElement(set: "addressed_links", key: [link]))
        // Before it has an address, a container asks whether somebody else has it: from ::, and in ARP from 0.0.0.0.
        let sources =
            addresses + AddressFamily.allCases.map(IPAddress.unspecified) + [linkLocal(pinning.mac)].compactMap { $0 }
        for source in sources {
            elements.append(NFTElement(set: "sources_\(source.family)", key: [link, .address(source)]))
        }
        return elements
    }

    /// The address that the kernel makes of a hardware address for the link alone (RFC 4291, appendix A).
    private static func linkLocal(_ mac: MACAddress) -> IPAddress? {
        let mac = mac.bytes
        return IPAddress(
            bytes: [0xFE, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xFF, 0xFE, mac[3], mac[4], mac[5]])
    }
}
