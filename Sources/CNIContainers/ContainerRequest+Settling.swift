internal import JSON
internal import NetworkAddress

extension ContainerRequest.Plan {
    /// Checks what depends on the containers that there are, and has links lead to them.
    public mutating func settle(among others: [ContainerRecord]) throws(ContainerRefusal) {
        if let name, let other = others.first(where: { $0.name == name }) {
            throw ContainerRefusal(
                "container \(ContainerNames.short(other.id)) has the name \"\(name)\": choose another one, or end it with "
                    + "\"cnitool stop \(name)\"")
        }
        try checkFree(among: others)
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
}
