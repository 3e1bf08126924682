public import NetworkAddress

/// The intent to publish ports of one container: what both backends make their rules from.
public struct PortForwarding: Equatable, Sendable {
    /// From which senders the container shall see the host's address instead of theirs.
    public enum SourceTranslation: Equatable, Sendable {
        /// From none: neither the host itself by 127.0.0.1 nor neighbours of the container reach the port.
        case never
        /// From the host by 127.0.0.1, and from the container's own network, whose answers would go past the host.
        case whereNeeded
        /// From everybody.
        case always
    }

    /// How the iptables backend marks packets whose source is to be translated.
    public enum Mark: Equatable, Sendable {
        /// With a bit of the packet's mark, 0 to 31, that a chain of ours translates later.
        case bit(UInt8)
        /// By a chain of somebody else, who also translates.
        case externalChain(String)
    }

    public var owner: RuleOwner
    public var mappings: [PortMapping]
    /// The container's addresses with their prefix lengths, at most one of each family.
    public var containers: [IPPrefix]
    public var sourceTranslation: SourceTranslation
    public var mark: Mark
    /// What packets have to fulfil beside their destination; rule text of the administrator, understood and checked.
    public var conditions: [RuleCondition]
    /// The link of the host that leads to the container; nil where none is known to. Only through a known one the ports
    /// can be reached by 127.0.0.1.
    public var link: String?

    public init(
        owner: RuleOwner, mappings: [PortMapping], containers: [IPPrefix],
        sourceTranslation: SourceTranslation = .whereNeeded, mark: Mark = .bit(13), conditions: [RuleCondition] = [],
        link: String? = nil
    ) {
        self.owner = owner
        self.mappings = mappings
        self.containers = containers
        self.sourceTranslation = sourceTranslation
        self.mark = mark
        self.conditions = conditions
        self.link = link
    }
}

extension PortForwarding {
    /// The link whose container the host can reach by 127.0.0.1, which the kernel has to be told (route_localnet); nil where
    /// that is not wanted, or not possible.
    public var loopbackLink: String? {
        let hasIPv4 = containers.contains { $0.family == .ipv4 }
        let isForLoopback = mappings.contains { mapping in
            mapping.concerns(.ipv4) && mapping.specificHostAddress?.isLoopback ?? true
        }
        return hasIPv4 && isForLoopback && sourceTranslation != .never ? link : nil
    }

    /// One by one what is published, for each address of the container.
    public var published: [PublishedPort] {
        containers.flatMap { container in
            mappings.filter { $0.concerns(container.family) }.map {
                PublishedPort(mapping: $0, container: container.address)
            }
        }
    }
}
