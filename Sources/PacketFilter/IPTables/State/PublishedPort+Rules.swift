internal import NetworkAddress

extension PublishedPort {
    /// What a rule publishes; nil where it does something else.
    init?(_ rule: IPTablesRule) {
        guard case .destination(let target) = rule.target else { return nil }
        for case .destinationPorts(let transport, let ports) in rule.matches {
            var hostAddress: IPAddress?
            if case .only(let prefix) = rule.destination { hostAddress = prefix.address }
            self.init(
                mapping: PortMapping(
                    transport, hostAddress: hostAddress, hostPorts: ports,
                    containerPort: target.ports?.lowerBound ?? ports.lowerBound),
                container: target.address)
            return
        }
        return nil
    }
}
