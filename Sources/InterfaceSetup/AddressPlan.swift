public import CNI
public import Netlink
public import NetworkAddress

/// The addresses and routes that an interface in a sandbox gets, as a value: made from what IPAM answered, carried out
/// by ``SandboxInterface``, compared with the kernel on CHECK.
public struct AddressPlan: Equatable, Sendable {
    /// With prefix length.
    public let addresses: [IPPrefix]
    /// Each with at least one way; ways of the same destination, metric and table share the traffic.
    public let routes: [PlannedRoute]

    /// A route whose link is not known yet.
    public struct PlannedRoute: Equatable, Sendable {
        public var description: AttachmentResult.Route
        public var gateways: [IPAddress?]

        /// The route for the link with this number.
        public func route(link: Int32) -> Route {
            Route(
                destination: description.destination,
                nextHops: gateways.map { Route.NextHop(gateway: $0, link: link) }, mtu: description.mtu,
                advmss: description.advmss, priority: description.priority, table: description.table,
                scope: description.scope)
        }
    }

    /// What an IPAM plugin answered, made sure of: addresses that an interface can have.
    ///
    /// - Throws: ``CNIError`` with code 7 that names the plugin and the address.
    public static func checkAddresses(_ ips: [AttachmentResult.IPConfiguration], from type: String) throws(CNIError) {
        if ips.isEmpty { throw CNIError(.invalidConfiguration, "ipam: \(type) gave no address") }
        for ip in ips {
            let address = ip.address.address
            if ip.address.length == 0 || address.isUnspecified || address.isMulticast || address.isLoopback {
                throw CNIError(
                    .invalidConfiguration,
                    "ipam: expected addresses that an interface can have from \(type), found \(ip.address)")
            }
        }
    }

    /// Plans for the addresses of `result` that belong to the interface at that position, or to no interface.
    ///
    /// A route without gateway goes by the gateway of the first address of its family, as the specification says; where
    /// there is none its destination is on the link.
    public init(_ result: AttachmentResult, interface: Int?) {
        let ips = result.ips.filter { $0.interface == nil || $0.interface == interface }
        addresses = ips.map(\.address)
        var routes: [PlannedRoute] = []
        for route in result.routes {
            let family = route.destination.family
            let gateway = route.gateway ?? ips.first { $0.address.family == family && $0.gateway != nil }?.gateway
            var same = route
            same.gateway = nil
            if let position = routes.firstIndex(where: { $0.description.isSameWay(as: same) }) {
                if !routes[position].gateways.contains(gateway) { routes[position].gateways.append(gateway) }
            } else {
                routes.append(PlannedRoute(description: same, gateways: [gateway]))
            }
        }
        self.routes = routes
    }

    /// Those of ``addresses``, IPv4 first.
    public var families: [AddressFamily] {
        AddressFamily.allCases.filter { family in addresses.contains { $0.family == family } }
    }
}

extension AttachmentResult.Route {
    /// Whether two routes differ in nothing but the gateway.
    fileprivate func isSameWay(as other: AttachmentResult.Route) -> Bool {
        destination.network == other.destination.network && priority == other.priority && table == other.table
            && mtu == other.mtu && advmss == other.advmss && scope == other.scope
    }
}
