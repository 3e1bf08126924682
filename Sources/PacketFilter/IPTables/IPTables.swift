internal import Netlink
internal import NetworkAddress

/// The packet filter by the tables of iptables, in the layout of the reference plugins: containers that those attached can be
/// checked and detached, and the other way round.
public struct IPTables: PacketFilterBackend {
    public var name: String { .iptables }

    private let connection: PacketFilterConnection

    /// - Parameter connection: what the kernel is asked by; one of its own if none is given.
    public init(by connection: PacketFilterConnection = PacketFilterConnection()) {
        self.connection = connection
    }

    /// Whether the host has iptables, of whichever kind.
    public var isInstalled: Bool { IPTablesPrograms().kind != nil }

    /// What new rules are written with: what `iptables` is on this host.
    func kind() throws(PacketFilterError) -> any IPTablesKind {
        switch IPTablesPrograms().kind {
        case .legacy: return LegacyIPTables()
        case .nft: return NFTVariantIPTables(connection: connection)
        case nil:
            throw PacketFilterError(
                backend: name, operation: "use iptables", cause: .unsupported, message: "there is no program iptables")
        }
    }

    /// Both kinds: an administrator may have gone from one to the other.
    var kinds: [any IPTablesKind] { [NFTVariantIPTables(connection: connection), LegacyIPTables()] }

    /// The lock, for a look at tables that changes nothing: the kernel does not tell a list to its end that changes meanwhile,
    /// and with many containers coming and going it would never come to one.
    static func lockForReading() throws(PacketFilterError) -> PacketFilterLock { try PacketFilterLock() }

    // MARK: Published ports

    public func publish(_ forwarding: PortForwarding) throws(PacketFilterError) {
        var plans: [IPTablesPlan] = []
        for family in AddressFamily.allCases {
            if let plan = try IPTablesPlan(forwarding, family) { plans.append(plan) }
        }
        if plans.isEmpty { return }
        let kind = try kind()
        let lock = try PacketFilterLock()
        defer { lock.release() }
        try NFTables(by: connection).refuseConflicts(with: forwarding)
        // A plan looks for itself when it is applied; but when the second one does, the first one is in force.
        try refuseConflicts(with: forwarding, in: kinds.filter { type(of: $0) != type(of: kind) })
        for plan in plans.dropFirst() where try kind.mayContain(.hostPorts, plan.family) {
            try kind.state(plan.family, [.nat]).refuseConflicts(with: plan)
        }
        let others = AddressFamily.allCases.filter { family in !plans.contains { $0.family == family } }
        _ = try unpublish(forwarding.owner, others, in: kind)
        var isApplied = false
        do throws(PacketFilterError) {
            for plan in plans {
                try kind.apply(plan)
                isApplied = true
            }
            if let link = forwarding.loopbackLink { try LoopbackRouting.set(link, true) }
        } catch {
            // What the first family refuses has changed nothing, and may be what somebody else has published.
            if isApplied { _ = try? unpublish(forwarding.owner, in: kind) }
            throw error
        }
    }

    public func check(_ forwarding: PortForwarding) throws(PacketFilterError) {
        let kind = try kind()
        let lock = try IPTables.lockForReading()
        defer { lock.release() }
        for family in AddressFamily.allCases {
            if let plan = try IPTablesPlan(forwarding, family) { try kind.check(plan) }
        }
        if let link = forwarding.loopbackLink, try !LoopbackRouting.isOn(link) {
            throw PacketFilterError(
                backend: name, operation: "net/ipv4/conf/\(link)/route_localnet is not 1", cause: .mismatch)
        }
    }

    public func unpublish(_ owner: RuleOwner) throws(PacketFilterError) -> [PublishedPort] {
        let chain = ChainName.hostPorts(of: owner.network, owner.containerID)
        guard try mayContain(chain) else { return [] }
        let lock = try PacketFilterLock()
        defer { lock.release() }
        return try takeOut { kind throws(PacketFilterError) in
            try unpublish(owner, in: kind)
        }
    }

    public func unpublish(
        network: String, except living: Set<RuleOwner>
    ) throws(PacketFilterError) -> [PublishedPort] {
        let lock = try PacketFilterLock()
        defer { lock.release() }
        let containers = Set(living.map(\.containerID))
        return try takeOut { kind throws(PacketFilterError) in
            try kind.collectGarbage(
                .portForwarding, network: network, living: containers
            ) { removal throws(PacketFilterError) in try stopRouting(removal, of: kind) }
        }
    }

    private func unpublish(
        _ owner: RuleOwner, _ families: [AddressFamily] = AddressFamily.allCases, in kind: any IPTablesKind
    ) throws(PacketFilterError) -> [PublishedPort] {
        try kind.remove(.portForwarding, owner, families) { removal throws(PacketFilterError) in
            try stopRouting(removal, of: kind)
        }
    }

    public func checkPublishing() throws(PacketFilterError) {
        let kind = try kind()
        let forwarding = PortForwarding(
            owner: IPTables.nobody, mappings: [PortMapping(.tcp, hostPorts: 1...1, containerPort: 1)],
            containers: [IPPrefix(only: .unspecified(.ipv4))])
        if let plan = try IPTablesPlan(forwarding, .ipv4) {
            do throws(PacketFilterError) { try kind.tryOut(plan) } catch {
                // Somebody has that port: then the kernel can.
                if case .conflict = error.cause { return }
                throw error
            }
        }
    }

    /// Who is published for on trial.
    static let nobody = RuleOwner(network: "status", containerID: "status", interfaceName: "status")

    private func mayContain(_ chain: ChainName) throws(PacketFilterError) -> Bool {
        for kind in kinds {
            for family in AddressFamily.allCases where try kind.mayContain(chain, family) { return true }
        }
        return false
    }

    /// Takes something out of the tables of both kinds; what was published.
    private func takeOut(
        _ remove: (any IPTablesKind) throws(PacketFilterError) -> [PublishedPort]
    ) throws(PacketFilterError) -> [PublishedPort] {
        var removed: [PublishedPort] = []
        try inBothKinds { kind throws(PacketFilterError) in
            for port in try remove(kind) where !removed.contains(port) { removed.append(port) }
        }
        return removed
    }

    /// Does something to the tables of both kinds, whatever fails in one of them.
    func inBothKinds(
        _ remove: (any IPTablesKind) throws(PacketFilterError) -> Void
    ) throws(PacketFilterError) {
        var failure: PacketFilterError?
        for kind in kinds {
            do throws(PacketFilterError) { try remove(kind) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    /// Throws where somebody else has published one of the ports by tables of these kinds.
    func refuseConflicts(
        with forwarding: PortForwarding, in kinds: [any IPTablesKind]? = nil
    ) throws(PacketFilterError) {
        var forwarding = forwarding
        // Whatever the rules will say besides: it is the ports that count.
        forwarding.conditions = []
        forwarding.mark = .bit(0)
        for family in AddressFamily.allCases {
            guard let plan = try IPTablesPlan(forwarding, family) else { continue }
            for kind in kinds ?? self.kinds where try kind.mayContain(.hostPorts, family) {
                try kind.state(family, [.nat]).refuseConflicts(with: plan)
            }
        }
    }

    // MARK: Loopback routing

    /// Turns loopback routing off for links on which nobody has published a port any more: before what protects it goes.
    private func stopRouting(_ removal: IPTablesRemoval, of kind: any IPTablesKind) throws(PacketFilterError) {
        for container in Set(removal.published.map(\.container)) where container.family == .ipv4 {
            guard let (link, networks) = try IPTables.link(of: container),
                !removal.remaining.contains(where: { other in networks.contains { $0.contains(other) } }),
                try LoopbackRouting.isOn(link), try !NFTables(by: connection).needsLoopback(link),
                try !needsLoopback(link, in: kinds.filter { type(of: $0) != type(of: kind) })
            else { continue }
            try LoopbackRouting.set(link, false)
        }
    }

    /// Whether a container on that link has published a port that 127.0.0.1 leads to.
    func needsLoopback(_ link: String, in kinds: [any IPTablesKind]? = nil) throws(PacketFilterError) -> Bool {
        for kind in kinds ?? self.kinds where try kind.mayContain(.hostPorts, .ipv4) {
            let containers = try kind.state(.ipv4, [.nat]).publishedContainers
            for container in containers where try IPTables.link(of: container)?.name == link { return true }
        }
        return false
    }

    /// The link to a container, and the networks on it; nil where the container is further away than on a link of its own.
    private static func link(
        of container: IPAddress
    ) throws(PacketFilterError) -> (name: String, networks: [IPPrefix])? {
        do throws(NetlinkError) {
            let stack = try NetlinkSocket()
            guard let link = try stack.link(leadingTo: container) else { return nil }
            let networks = try stack.addresses(of: link, container.family).map(\.prefix)
            return networks.contains { $0.contains(container) } ? (link.name, networks) : nil
        } catch {
            throw PacketFilterError(
                backend: .iptables, operation: error.operation, cause: .kernel(error.errno), message: error.message)
        }
    }

    // MARK: Masquerading

    public func masquerade(_ masquerading: Masquerading) throws(PacketFilterError) {
        let kind = try kind()
        let lock = try PacketFilterLock()
        defer { lock.release() }
        var isApplied = false
        do throws(PacketFilterError) {
            for family in AddressFamily.allCases {
                guard let plan = try IPTablesPlan(masquerading, family) else { continue }
                try kind.apply(plan)
                isApplied = true
            }
        } catch {
            if isApplied { _ = try? kind.remove(.masquerading, masquerading.owner) { _ in } }
            throw error
        }
    }

    public func check(_ masquerading: Masquerading) throws(PacketFilterError) {
        let kind = try kind()
        let lock = try IPTables.lockForReading()
        defer { lock.release() }
        for family in AddressFamily.allCases {
            if let plan = try IPTablesPlan(masquerading, family) { try kind.check(plan) }
        }
    }

    public func stopMasquerading(_ owner: RuleOwner) throws(PacketFilterError) {
        guard try mayContain(ChainName.masquerading(of: owner.network, owner.containerID)) else { return }
        let lock = try PacketFilterLock()
        defer { lock.release() }
        _ = try takeOut { kind throws(PacketFilterError) in try kind.remove(.masquerading, owner) { _ in } }
    }

    public func stopMasquerading(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) {
        let containers = Set(living.map(\.containerID))
        let lock = try PacketFilterLock()
        defer { lock.release() }
        _ = try takeOut { kind throws(PacketFilterError) in
            try kind.collectGarbage(.masquerading, network: network, living: containers) { _ in }
        }
    }

    public func checkMasquerading() throws(PacketFilterError) {
        let kind = try kind()
        let masquerading = Masquerading(
            owner: IPTables.nobody, addresses: [IPPrefix(only: .unspecified(.ipv4))], link: "")
        if let plan = try IPTablesPlan(masquerading, .ipv4) { try kind.tryOut(plan) }
    }
}
