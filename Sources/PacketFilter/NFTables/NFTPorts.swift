internal import NetworkAddress

/// Published ports as a table of nftables: maps that lead from ports of the host to containers, and a few rules that never
/// change. `{f}` stands for ipv4 or ipv6:
///
/// - `ports_{f}`: a port on every address of the host, to an address and a port of a container.
/// - `addressed_ports_{f}`: a port on one address of the host.
/// - `port_ranges_{f}`: ranges of ports, which stay the same ports in the container.
/// - `conditional_{f}`: ports that not everybody may use, to the chain of the owner that says who.
/// - `waiting_…`, shared: what another attachment of the same container has, and who takes over when that goes.
/// - `addressed_{f}`, shared: ports that are published on some addresses, so that nobody publishes them on every address.
/// - `hairpin_{f}`: link in, link out and container: what turns round on its link gets the host's address as source, because
///   answers would not come through the host.
/// - `itself_{f}`: containers that talk to themselves by the host; with br_netfilter that turns round before it is routed, so
///   that no link shows it.
/// - `loopback_ipv4`: containers that the host reaches by 127.0.0.1.
/// - `masqueraded_{f}`: containers that see the host's address instead of every sender's.
/// - `loopback_links`, shared: links to whose containers packets from 127.0.0.1 may go (route_localnet).
enum NFTPorts {
    static let layout = NFTLayout(
        family: .inet, name: "cni_ports", sets: sets,
        chains: [
            // After the usual priority, dstnat (-100): a translation that somebody else chose has precedence.
            NFTChain(
                name: "prerouting", hook: .prerouting(.nat, -90),
                rules: [NFTRule("to this host", .destinationIsLocal, .jump("published"))]),
            NFTChain(
                name: "output", hook: .output(.nat, -90),
                rules: [NFTRule("from this host to itself", .destinationIsLocal, .jump("published"))]),
            NFTChain(
                name: "published",
                // Packets from ::1 are routed nowhere but to the host itself: there is no answer but the host's own.
                rules: [NFTRule("::1 is this host", .family(.ipv6), .destination(loopbackHost), .return)]
                    + everything.map { family in
                        NFTRule(
                            "\(family): not for everybody", .family(family),
                            .choose(map: "conditional_\(family)", [.transport, .destinationPort]))
                    } + [NFTRule("for everybody", .jump(translation))]),
            NFTChain(name: translation, rules: everything.flatMap(published)),
            NFTChain(
                name: "postrouting", hook: .postrouting(.nat, 110),
                rules: AddressFamily.allCases.flatMap(sourceTranslation)),
            // Where route_localnet is on, the kernel would let others use 127.0.0.0/8 (CVE-2020-8558).
            NFTChain(
                name: "loopback", hook: .prerouting(.filter, -300),
                rules: [
                    NFTRule(
                        "loopback addresses only from here", .inputLink("lo", isNegated: true), .family(.ipv4),
                        .destination(loopback), .drop),
                    NFTRule(
                        "nobody else has them", .inputLink("lo", isNegated: true), .family(.ipv4), .source(loopback),
                        .drop),
                ]),
        ])

    private static let loopback = IPPrefix.loopbackNetwork
    private static let loopbackHost = IPPrefix(only: IPAddress(.ipv6, number: 1))
    private static let everything = AddressFamily.allCases

    private static let sets: [NFTSet] =
        everything.flatMap { family -> [NFTSet] in
            let address = NFTType.address(family)
            let maps = [
                NFTSet(name: "ports_\(family)", key: [.inetProtocol, .inetService], data: [address, .inetService]),
                NFTSet(
                    name: "addressed_ports_\(family)", key: [address, .inetProtocol, .inetService],
                    data: [address, .inetService]),
                NFTSet(
                    name: "port_ranges_\(family)", key: [address, .inetProtocol, .inetService], data: [address],
                    hasIntervals: true),
                NFTSet(name: "conditional_\(family)", key: [.inetProtocol, .inetService], data: [.verdict]),
            ]
            return maps + maps.map(\.waiting) + [
                NFTSet(name: "addressed_\(family)", key: [.inetProtocol, .inetService], isShared: true),
                NFTSet(name: "hairpin_\(family)", key: [.interfaceName, .interfaceName, address]),
                NFTSet(name: "itself_\(family)", key: [address, address]),
                NFTSet(name: "masqueraded_\(family)", key: [address]),
            ]
        } + [
            NFTSet(name: "loopback_ipv4", key: [.ipv4Address]),
            NFTSet(name: loopbackLinks, key: [.interfaceName], isShared: true),
        ]

    /// The chain that leads to containers.
    private static let translation = "translation"

    /// The name of the set of links for which route_localnet is on.
    static let loopbackLinks = "loopback_links"

    private static func published(_ family: AddressFamily) -> [NFTRule] {
        let onAddress: [NFTOperand] = [.destination(family), .transport, .destinationPort]
        return [
            NFTRule(
                "\(family): on one address", .family(family),
                .translateDestination(family, map: "addressed_ports_\(family)", onAddress, hasPort: true)),
            NFTRule(
                "\(family): on every address", .family(family),
                .translateDestination(family, map: "ports_\(family)", [.transport, .destinationPort], hasPort: true)),
            NFTRule(
                "\(family): ranges", .family(family),
                .translateDestination(family, map: "port_ranges_\(family)", onAddress, hasPort: false)),
        ]
    }

    private static func sourceTranslation(_ family: AddressFamily) -> [NFTRule] {
        let fromLoopback = NFTRule(
            "from 127.0.0.1", .family(.ipv4), .source(loopback), .isIn("loopback_ipv4", [.destination(.ipv4)]),
            .masquerade)
        return [
            NFTRule(
                "\(family): back where it came from", .isTranslated, .family(family),
                .isIn("hairpin_\(family)", [.inputLink, .outputLink, .destination(family)]), .masquerade),
            NFTRule(
                "\(family): to itself", .isTranslated, .family(family),
                .isIn("itself_\(family)", [.source(family), .destination(family)]), .masquerade),
            NFTRule(
                "\(family): from everybody", .isTranslated, .family(family),
                .isIn("masqueraded_\(family)", [.destination(family)]), .masquerade),
        ] + (family == .ipv4 ? [fromLoopback] : [])
    }

    // MARK: Elements

    /// What the table has to hold for these published ports.
    static func holding(for forwarding: PortForwarding) -> NFTHolding {
        let record = NFTOwnedTable.record(of: forwarding.owner)
        var holding = NFTHolding(owner: forwarding.owner, elements: [])
        for container in forwarding.containers {
            let family = container.family
            let mappings = forwarding.mappings.filter { $0.concerns(family) }
            if mappings.isEmpty { continue }
            let conditions = forwarding.conditions.filter { $0.family == family }
            for mapping in mappings {
                if !conditions.isEmpty {
                    holding.elements.append(
                        NFTElement(
                            set: "conditional_\(family)",
                            key: [.transport(mapping.transport), .port(mapping.hostPorts.lowerBound)],
                            data: [.chain(record)]))
                }
                holding.elements += elements(for: mapping, to: container.address)
            }
            holding.elements += sources(forwarding, container.address)
            if !conditions.isEmpty {
                holding.rules.append(
                    NFTRule(
                        "\(family): who may use the ports",
                        [.family(family)] + conditions.map(\.statement) + [.jump(translation)]))
            }
        }
        return holding.withoutRepetitions
    }

    private static func elements(for mapping: PortMapping, to container: IPAddress) -> [NFTElement] {
        let family = container.family
        let transport = NFTValue.transport(mapping.transport)
        let address = mapping.specificHostAddress.map(NFTValue.address)
        guard mapping.hostPorts.count == 1 else {
            return [
                NFTElement(
                    set: "port_ranges_\(family)",
                    key: [address ?? .everyAddress(family), transport, .ports(mapping.hostPorts)],
                    data: [.address(container)])
            ]
        }
        let port = NFTValue.port(mapping.hostPorts.lowerBound)
        let data: [NFTValue] = [.address(container), .port(mapping.containerPort)]
        guard let address else {
            return [NFTElement(set: "ports_\(family)", key: [transport, port], data: data)]
        }
        return [
            NFTElement(set: "addressed_ports_\(family)", key: [address, transport, port], data: data),
            NFTElement(set: "addressed_\(family)", key: [transport, port]),
        ]
    }

    /// Whose source is to be translated.
    private static func sources(_ forwarding: PortForwarding, _ container: IPAddress) -> [NFTElement] {
        var elements: [NFTElement] = []
        let address = NFTValue.address(container)
        switch forwarding.sourceTranslation {
        case .never: return []
        case .always: elements.append(NFTElement(set: "masqueraded_\(container.family)", key: [address]))
        case .whereNeeded:
            elements.append(NFTElement(set: "itself_\(container.family)", key: [address, address]))
            if let link = forwarding.link {
                elements.append(
                    NFTElement(set: "hairpin_\(container.family)", key: [.link(link), .link(link), address]))
            }
        }
        if let link = forwarding.loopbackLink, container.family == .ipv4 {
            elements.append(NFTElement(set: "loopback_ipv4", key: [address]))
            elements.append(NFTElement(set: loopbackLinks, key: [.link(link)]))
        }
        return elements
    }

    /// The published port that an element stands for; nil for the other kinds.
    static func published(by element: NFTElement) -> PublishedPort? {
        let hasAddress = element.key.count == 3
        guard ["ports_", "addressed_ports_", "port_ranges_"].contains(where: { element.set.hasPrefix($0) }),
            case .address(let container)? = element.data.first,
            case .transport(let transport) = element.key[hasAddress ? 1 : 0]
        else { return nil }
        // A port on every address is one on those of its family only.
        var hostAddress = IPAddress.unspecified(container.family)
        if hasAddress, case .address(let address) = element.key[0] { hostAddress = address }
        switch (element.key.last, element.data.last) {
        case (.port(let host)?, .port(let port)?):
            return PublishedPort(
                mapping: PortMapping(transport, hostAddress: hostAddress, hostPorts: host...host, containerPort: port),
                container: container)
        case (.ports(let host)?, _):
            return PublishedPort(
                mapping: PortMapping(
                    transport, hostAddress: hostAddress, hostPorts: host, containerPort: host.lowerBound),
                container: container)
        default: return nil
        }
    }
}

extension RuleCondition {
    fileprivate var statement: NFTStatement {
        switch subject {
        case .source(let prefix): .source(prefix, isNegated: isNegated)
        case .destination(let prefix): .destination(prefix, isNegated: isNegated)
        case .inputLink(let name): .inputLink(name, isNegated: isNegated)
        }
    }
}
