internal import CNI
internal import NetworkAddress

/// What becomes of an IPAM result on a bridge network: which addresses the bridge gets, and what the container is told.
struct GatewayPlan: Equatable {
    /// The addresses that the bridge, or `<bridge>.<vlan>`, has to have; none where the bridge is no gateway.
    let addresses: [IPPrefix]
    /// The IPAM result with the gateways and the default routes that the bridge stands for.
    let result: AttachmentResult

    init(_ ipam: AttachmentResult, _ configuration: BridgeConfiguration) throws {
        var result = ipam
        // Whichever interface IPAM may have thought of: there is one, and it is the container's.
        for position in result.ips.indices { result.ips[position].interface = nil }
        var addresses: [IPPrefix] = []
        for position in result.ips.indices where configuration.isGateway {
            let address = result.ips[position].address
            let gateway = result.ips[position].gateway ?? address.usualGateway
            guard let gateway, address.contains(gateway), let own = IPPrefix(gateway, length: address.length) else {
                throw CNIError(
                    .invalidConfiguration,
                    "isGateway: expected a gateway inside \(address.network) from IPAM, found \(gateway?.description ?? "none")"
                )
            }
            guard gateway != address.address else {
                throw CNIError(
                    .invalidConfiguration, "isGateway: expected a gateway other than the container's address \(address)"
                )
            }
            result.ips[position].gateway = gateway
            if !addresses.contains(own) { addresses.append(own) }
            let everything = IPPrefix.everything(address.family)
            if configuration.isDefaultGateway
                && !result.routes.contains(where: { $0.destination.network == everything })
            {
                result.routes.append(.init(destination: everything, gateway: gateway))
            }
        }
        self.addresses = addresses
        self.result = result
    }

    /// Those of ``addresses``, IPv4 first.
    var families: [AddressFamily] {
        AddressFamily.allCases.filter { family in addresses.contains { $0.family == family } }
    }
}

extension IPPrefix {
    /// The first address after the one that names the network; nil where the network has no other.
    fileprivate var usualGateway: IPAddress? {
        first.next.flatMap { contains($0) ? $0 : nil }
    }
}
