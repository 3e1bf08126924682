internal import JSON
internal import NetworkAddress

extension ContainerRequest.Plan {
    /// Checks what depends on the containers and the processes that there are, chooses the ports that were left open, and
    /// has links lead to their containers.
    ///
    /// - Parameter isInUse: whether a process of the host has a port.
    public mutating func settle(
        among others: [ContainerRecord], isInUse: (PortPublication) -> Bool = { _ in false }
    ) throws(ContainerRefusal) {
        if let name, let other = others.first(where: { $0.name == name }) {
            throw ContainerRefusal(
                "container \(ContainerNames.short(other.id)) has the name \"\(name)\": choose another one, or end it with "
                    + "\"cnitool stop \(name)\"")
        }
        try checkFree(among: others)
        try settlePorts(among: others, isInUse)
        let networks = Set(attachments.map(\.network))
        for (index, link) in links.enumerated() {
            let target = try ContainerNames.find(link.target, in: others)
            if networks.isDisjoint(with: target.attachments.map(\.network)) {
                let theirs = target.attachments.map(\.network).joined(separator: ", ")
                throw ContainerRefusal(
                    "--link \(link.target): the container shares no network with this one: "
                        + (theirs.isEmpty ? "it has none" : "add --network for one of \(theirs)"))
            }
            links[index] = ContainerLink(target: target.name ?? target.id, alias: link.alias)
        }
    }

    /// Ports of the host lead to one container, and addresses are one container's.
    private func checkFree(among others: [ContainerRecord]) throws(ContainerRefusal) {
        for other in others {
            for port in ports {
                guard let taken = other.ports.first(where: port.collides) else { continue }
                throw ContainerRefusal(
                    "-p: port \(taken.hostPort)/\(taken.transport.rawValue) of the host leads to container \(other.title): "
                        + "choose another one, or end that with \"cnitool stop \(other.title)\"")
            }
            for attachment in other.attachments {
                guard let own = attachments.first(where: { $0.network == attachment.network }),
                    case .array(let wanted)? = own.capabilityArguments["ips"],
                    let taken = attachment.addresses.first(where: { wanted.contains(.string("\($0)")) })
                else { continue }
                throw ContainerRefusal(
                    "--ip \(taken) is the address of container \(other.title): choose another one, or leave --ip out")
            }
        }
    }

    /// Where ports of the host are chosen: those that IANA leaves to everybody.
    private static let open: ClosedRange<UInt16> = 49152...65535

    /// Chooses the ports of the host that nobody named, lowest first, and refuses those that a process has: it would be
    /// cut off.
    private mutating func settlePorts(
        among others: [ContainerRecord], _ isInUse: (PortPublication) -> Bool
    ) throws(ContainerRefusal) {
        if let taken = ports.first(where: { $0.hostPort > 0 && isInUse($0) }) {
            let port = "\(taken.hostPort)/\(taken.transport.rawValue)"
            throw ContainerRefusal(
                "-p: a process of the host uses port \(port): choose another one, or end that process, "
                    + "which \"ss -lnp sport = :\(taken.hostPort)\" shows")
        }
        guard ports.contains(where: { $0.hostPort == 0 }) else { return }
        for index in ports.indices where ports[index].hostPort == 0 {
            let taken = others.flatMap(\.ports) + ports
            var port = ports[index]
            guard
                let number = ContainerRequest.Plan.open.first(where: { number in
                    port.hostPort = number
                    return !taken.contains(where: port.collides) && !isInUse(port)
                })
            else {
                throw ContainerRefusal("-p \(port.containerPort): no port of the host is free: name one")
            }
            ports[index].hostPort = number
        }
        let mappings = JSONValue.array(ports.map(\.json))
        for index in attachments.indices where attachments[index].capabilityArguments["portMappings"] != nil {
            attachments[index].capabilityArguments["portMappings"] = mappings
        }
    }
}
