internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import LinuxSystem
internal import Netlink
internal import NetworkAddress

/// The host's side of a network whose gateway is the bridge.
struct Gateway {
    private let host: any NetworkStack
    private let kernel: any KernelAccess
    private let configuration: BridgeConfiguration
    private let bridge: Link
    /// Whether this ADD made the bridge. Then what the bridge gets here goes with it, or stays with it for others.
    private let isNewBridge: Bool

    init(
        _ host: any NetworkStack, _ kernel: any KernelAccess, _ configuration: BridgeConfiguration, bridge: Link,
        isNewBridge: Bool
    ) {
        self.host = host
        self.kernel = kernel
        self.configuration = configuration
        self.bridge = bridge
        self.isNewBridge = isNewBridge
    }

    /// Sees to it that the host has the plan's addresses.
    ///
    /// - Returns: the link `<bridge>.<vlan>` where it has them; nil where the bridge itself does, or nothing is wanted.
    func ensure(_ plan: GatewayPlan, _ rollback: Rollback) throws -> Link? {
        if plan.addresses.isEmpty { return nil }
        let vlanLink = try ensureVLANLink(rollback)
        let link = vlanLink ?? bridge
        if plan.families.contains(.ipv6) { try kernel.write(Sysctls.withIPv6(link.name), rollback) }
        for family in plan.families {
            let present = try host.addresses(of: link, family)
            let wanted = plan.addresses.filter { $0.family == family }
            try clear(link, present, wanted, rollback)
            for address in wanted where !present.contains(where: { $0.prefix == address }) {
                try add(address, to: link, rollback)
            }
        }
        return vlanLink
    }

    /// Removes the addresses that are in the way of the wanted ones, or fails because of them.
    private func clear(
        _ link: Link, _ present: [InterfaceAddress], _ wanted: [IPPrefix], _ rollback: Rollback
    ) throws {
        let missing = wanted.filter { address in !present.contains { $0.prefix == address } }
        // Several IPv6 addresses live side by side as long as their networks differ.
        let obstacles = present.filter { found in
            !found.prefix.address.isLinkLocal && !wanted.contains(found.prefix)
                && missing.contains { $0.family == .ipv4 || $0.overlaps(found.prefix) }
        }
        guard let first = missing.first, !obstacles.isEmpty else { return }
        if !configuration.forceAddress { throw try conflict(link, obstacles, first) }
        let ports = try portIndexes()
        // The last one first: with an IPv4 address the kernel removes those of its network that came after it.
        for obstacle in obstacles.reversed() where try host.delete(obstacle, from: link) {
            rollback.onFailure("put \(obstacle.prefix) back on \(link.name)") {
                if try !hasJoined(since: ports) { try host.add(obstacle, to: link) }
            }
        }
    }

    private func add(_ wanted: IPPrefix, to link: Link, _ rollback: Rollback) throws {
        let address = InterfaceAddress(
            wanted, skipsDuplicateDetection: wanted.family == .ipv6 && !configuration.enabledad)
        let ports = isNewBridge ? [] : try portIndexes()
        do throws(NetlinkError) {
            try host.add(address, to: link)
        } catch {
            // Another ADD of this network was faster: then it is there, which is all that was wanted.
            guard error.isAlreadyThere else { throw error }
            return
        }
        if isNewBridge { return }
        rollback.onFailure("delete \(wanted) from \(link.name)") {
            if try !hasJoined(since: ports) { try host.delete(address, from: link) }
        }
    }

    /// The ports of the bridge, but for the gateway's own.
    private func portIndexes() throws -> Set<Int32> {
        let gatewayPort = configuration.gatewayLink.map(HostLinkName.veth(gatewayLink:))
        return Set(try host.ports(of: bridge.index).filter { $0.name != gatewayPort }.map(\.index))
    }

    /// Whether a container has joined the bridge since it had these ports. It relies on what it found there, so that an
    /// ADD that fails must not take that back.
    private func hasJoined(since ports: Set<Int32>) throws -> Bool {
        try !portIndexes().isSubset(of: ports)
    }

    private func conflict(_ link: Link, _ obstacles: [InterfaceAddress], _ wanted: IPPrefix) throws -> CNIError {
        let there = obstacles.map { $0.prefix.description }.joined(separator: ", ")
        let ports = try host.ports(of: bridge.index).count
        return CNIError(
            .failed,
            "\(link.name) has \(there), the network wants \(wanted); \(ports) port\(ports == 1 ? "" : "s") attached",
            details: "forceAddress replaces the address")
    }

    /// The link `<bridge>.<vlan>`: one end of a pair whose other end is an access port of the bridge. Made once for all
    /// containers in the VLAN.
    private func ensureVLANLink(_ rollback: Rollback) throws -> Link? {
        guard let name = configuration.gatewayLink else { return nil }
        if let link = try foundVLANLink(name, rollback) { return link }
        let ports = isNewBridge ? [] : try portIndexes()
        let pair = NewLink(
            name: HostLinkName.veth(gatewayLink: name), kind: .veth(VethPeer(name: name, mtu: bridge.mtu)),
            mtu: bridge.mtu, master: bridge.index)
        let port: Link
        do throws(NetlinkError) {
            port = try host.make(pair)
        } catch {
            // Another ADD was faster; it may not have brought the link up yet.
            guard error.isAlreadyThere, let link = try foundVLANLink(name, rollback) else { throw error }
            return link
        }
        if !isNewBridge {
            rollback.onFailure("delete \(name)") {
                if try !hasJoined(since: ports) { try host.deleteLink(index: port.index) }
            }
        }
        guard let link = try host.link(named: name) else {
            throw CNIError(.failed, "\(name), which was just made, is gone")
        }
        try bringUp(link, port)
        return link
    }

    /// The link `<bridge>.<vlan>` that is there, up; nil where there is none, or was none of this bridge.
    private func foundVLANLink(_ name: String, _ rollback: Rollback) throws -> Link? {
        guard let link = try host.link(named: name) else { return nil }
        let port = try host.link(named: HostLinkName.veth(gatewayLink: name))
        // The pair outlives a bridge that somebody deleted, and is of no use for the next one.
        if let port, port.master != bridge.index {
            try host.deleteLink(index: port.index)
            return nil
        }
        // It comes up last: one that is down was left half made by an ADD that was killed.
        if !link.isUp {
            rollback.onFailure("bring \(name) down again") { try host.change(link, LinkChange(isUp: false)) }
            try bringUp(link, port)
        }
        return link
    }

    /// Brings both ends of the gateway's pair up. A link that is no end of such a pair, an administrator's, has no port.
    private func bringUp(_ link: Link, _ port: Link?) throws {
        if let port {
            try kernel.write(
                Sysctls.ignoringRouterAdvertisements(port.name) + Sysctls.ignoringRouterAdvertisements(link.name)
                    + (configuration.enabledad ? [] : Sysctls.withoutDuplicateDetection(link.name)), in: nil)
            let vlans = configuration.vlans.on(bridge)
            if !vlans.removals.isEmpty { try host.delete(vlans.removals, fromPort: port) }
            try host.add(vlans.additions, toPort: port)
            // The alias tells GC that this is no container's.
            try host.change(port, LinkChange(isUp: true, alias: "gateway of \(link.name)"))
        }
        try host.change(link, LinkChange(isUp: true))
    }

    /// Waits until the gateway's IPv6 addresses can be used, where `enabledad` has the network asked about them. That is
    /// when the bridge can carry packets: after a container has come up.
    func waitUntilUnique(_ plan: GatewayPlan, on link: Link?) throws {
        if configuration.enabledad { try host.waitUntilUnique(plan.addresses, on: link ?? bridge) }
    }

    /// Lets the host pass packets on. The last step of ADD: from then on other networks may come to rely on it.
    func enableForwarding(_ families: [AddressFamily]) throws {
        try Rollback.guarding { rollback in
            try kernel.write(families.map { SysctlSetting(Sysctls.forwarding($0), "1") }, rollback)
        }
    }
}
