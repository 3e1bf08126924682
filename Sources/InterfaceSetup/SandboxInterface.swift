internal import CNI
public import CNIPlugin
internal import LinuxSystem
public import Netlink
internal import NetworkAddress

/// An interface inside a sandbox: gives it what an ``AddressPlan`` says, and checks that it still has it.
public struct SandboxInterface {
    /// How an interface is to behave beyond its addresses.
    public struct Options: Equatable, Sendable {
        /// What IPv6 is there beside the addresses that IPAM gives.
        public enum IPv6: Equatable, Sendable {
            /// What the kernel does by default: a link-local address, and what routers advertise.
            case kernelDefaults
            /// Nothing: no IPv6 without an IPv6 address, and no heed to routers.
            case givenAddressesOnly
            /// No IPv6 at all, not even a link-local address.
            case none
        }

        public var ipv6: IPv6
        /// Whether the neighbours are told which addresses are here: see ``SandboxInterface/announce(_:)``.
        public var announcesAddresses: Bool
        /// Whether the network is asked whether somebody has an IPv6 address already; that takes a second or more.
        public var detectsDuplicates: Bool

        public init(ipv6: IPv6, announcesAddresses: Bool, detectsDuplicates: Bool) {
            self.ipv6 = ipv6
            self.announcesAddresses = announcesAddresses
            self.detectsDuplicates = detectsDuplicates
        }
    }

    private let link: Link
    private let sandbox: Sandbox
    private let stack: any NetworkStack
    private let kernel: any KernelAccess

    public init(_ link: Link, in sandbox: Sandbox, stack: any NetworkStack, kernel: any KernelAccess) {
        self.link = link
        self.sandbox = sandbox
        self.stack = stack
        self.kernel = kernel
    }

    /// Brings the link up; before an IPv6 address is there without IPv6, unless the kernel's defaults are wanted.
    ///
    /// It needs no addresses, so that it can be done while IPAM is still at work.
    ///
    /// - Parameter alias: a text to attach to the link, see ``Netlink/Link/alias``.
    public func bringUp(_ options: Options, alias: String? = nil) throws {
        var settings: [SysctlSetting] = []
        if options.ipv6 == .givenAddressesOnly { settings += Sysctls.ignoringRouterAdvertisements(link.name) }
        if options.announcesAddresses { settings += Sysctls.announcingAddresses(link.name) }
        if options.ipv6 != .kernelDefaults { settings += Sysctls.withoutIPv6(link.name) }
        try kernel.write(settings, in: sandbox)
        try stack.change(link, LinkChange(isUp: true, alias: alias))
    }

    /// Sets the addresses and the routes of a link that is up.
    public func configure(_ plan: AddressPlan, _ options: Options) throws {
        if plan.families.contains(.ipv6) { try kernel.write(Sysctls.withIPv6(link.name), in: sandbox) }
        for address in plan.addresses {
            let skips = address.family == .ipv6 && !options.detectsDuplicates
            try stack.add(InterfaceAddress(address, skipsDuplicateDetection: skips), to: link)
        }
        if options.detectsDuplicates { try stack.waitUntilUnique(plan.addresses, on: link) }
        for route in plan.routes { try add(route.route(link: link.index)) }
    }

    /// Adds a route, unless there is one to that destination: a container on several networks that all want to be its way to
    /// the world goes by the first one, as with the reference.
    private func add(_ route: Route) throws(NetlinkError) {
        do throws(NetlinkError) { try stack.add(route) } catch {
            guard error.isAlreadyThere else { throw error }
        }
    }

    /// Tells the neighbours that the addresses are here. To be called when the link can carry packets.
    ///
    /// Setting the hardware address, even to what it is, makes the kernel announce it: see
    /// ``Sysctls/announcingAddresses(_:)``. A packet socket would do too, but closing one waits for every CPU.
    public func announce(_ plan: AddressPlan) throws {
        guard !plan.addresses.isEmpty, let mac = link.mac else { return }
        try stack.change(link, LinkChange(mac: mac))
    }

    /// Checks that the addresses and routes of the plan are there.
    public func check(_ plan: AddressPlan) throws {
        let addresses = try stack.addresses(of: link, nil)
        for wanted in plan.addresses {
            guard let found = addresses.first(where: { $0.prefix == wanted }) else {
                let there = addresses.map { $0.prefix.description }.joined(separator: ", ")
                throw CNIError(
                    .failed,
                    "\(link.name) in the sandbox lacks the address \(wanted); it has \(there.isEmpty ? "none" : there)")
            }
            if found.isDuplicate {
                throw CNIError(.failed, "another machine on the network has the address \(wanted.address)")
            }
        }
        var tables: [RoutingTable] = []
        for wanted in plan.routes.map({ $0.route(link: link.index) }) {
            let family = wanted.destination.family
            if !tables.contains(where: { $0.family == family && $0.number == wanted.table }) {
                let routes = try stack.routes(family, table: wanted.table)
                tables.append(RoutingTable(family: family, number: wanted.table, routes: routes))
            }
            let table = tables.first { $0.family == family && $0.number == wanted.table }
            guard let routes = table?.routes,
                routes.contains(where: { $0.serves(wanted) || $0.precedes(wanted, of: link.index) })
            else {
                throw CNIError(.failed, "the sandbox lacks the route \(wanted)")
            }
        }
    }

    /// What is in one table of one family.
    private struct RoutingTable {
        let family: AddressFamily
        let number: UInt32?
        let routes: [Route]
    }
}

extension Route {
    /// Whether this is the way to the same destination by another link, which was there first.
    fileprivate func precedes(_ wanted: Route, of link: Int32) -> Bool {
        destination == wanted.destination && nextHops.allSatisfy { $0.link != link }
            && (wanted.priority == nil || priority == wanted.priority)
    }

    /// Whether this route of the kernel does what `wanted` says; what `wanted` leaves open may be anything.
    fileprivate func serves(_ wanted: Route) -> Bool {
        destination == wanted.destination
            && wanted.nextHops.allSatisfy { nextHops.contains($0) }
            && (wanted.mtu == nil || mtu == wanted.mtu)
            && (wanted.advmss == nil || advmss == wanted.advmss)
            && (wanted.priority == nil || priority == wanted.priority)
            && (wanted.scope == nil || destination.family == .ipv6 || scope == wanted.scope)
    }
}
