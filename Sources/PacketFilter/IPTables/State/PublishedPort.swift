public import NetworkAddress

/// A port that rules publish, as it was found in them.
public struct PublishedPort: Hashable, Sendable {
    public let mapping: PortMapping
    /// The container's address.
    public let container: IPAddress

    public init(mapping: PortMapping, container: IPAddress) {
        self.mapping = mapping
        self.container = container
    }

    /// What a rule publishes; nil where it does something else.
    public init?(_ rule: IPTablesRule) {
        guard case .destination(let target) = rule.target else { return nil }
        for case .destinationPorts(let transport, let ports) in rule.matches {
            var hostAddress: IPAddress?
            if case .only(let prefix) = rule.destination { hostAddress = prefix.address }
            mapping = PortMapping(
                transport, hostAddress: hostAddress, hostPorts: ports,
                containerPort: target.ports?.lowerBound ?? ports.lowerBound)
            container = target.address
            return
        }
        return nil
    }
}

extension PortMapping {
    /// Whether a packet can be for both: the same protocol, a common port, a common address of the host.
    func overlaps(_ other: PortMapping) -> Bool {
        guard transport == other.transport, hostPorts.overlaps(other.hostPorts) else { return false }
        guard let one = specificHostAddress, let another = other.specificHostAddress else { return true }
        return one == another
    }
}
