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

    init(_ host: any NetworkStack, _ kernel: any KernelAccess, _ configuration: BridgeConfiguration, bridge: Link) {
        self.host = host
        self.kernel = kernel
        self.configuration = configuration
        self.bridge = bridge
    }

    /// Sees to it that the host has the plan's addresses.
    ///
    /// - Returns: the link `<bridge>.<vlan>` where it has them; nil where the bridge itself does, or nothing is wanted.
    func ensure(_ plan: GatewayPlan, _ rollback: Rollback) throws -> Link? {
        if plan.addresses.isEmpty { return nil }
        let vlanLink = try ensureVLANLink(rollback)
        let link = vlanLink ?? bridge
        if plan.families.contains(.ipv6) { try kernel.write(Sysctls.withIPv6(link.name), in: nil) }
        for family in plan.families.sorted() {
            var present = try host.addresses(of: link, family)
            for wanted in plan.addresses where wanted.family == family {
                try ensure(wanted, on: link, &present, rollback)
            }
        }
        return vlanLink
    }

    private func ensure(
        _ wanted: IPPrefix, on link: Link, _ present: inout [InterfaceAddress], _ rollback: Rollback
    ) throws {
        if present.contains(where: { $0.prefix == wanted }) { return }
        // Several IPv6 addresses live side by side as long as their networks differ.
        let obstacles = present.filter {
            !$0.prefix.address.isLinkLocal && (wanted.family == .ipv4 || $0.prefix.overlaps(wanted))
        }
        if !obstacles.isEmpty && !configuration.forceAddress { throw try conflict(link, obstacles, wanted) }
        for obstacle in obstacles {
            if try host.delete(obstacle, from: link) {
                rollback.onFailure("put \(obstacle.prefix) back on \(link.name)") { try host.add(obstacle, to: link) }
            }
        }
        let address = InterfaceAddress(wanted, skipsDuplicateDetection: wanted.family == .ipv6 && !configuration.enabledad)
        do throws(NetlinkError) {
            try host.add(address, to: link)
            rollback.onFailure("delete \(wanted) from \(link.name)") { try host.delete(address, from: link) }
        } catch {
            // Another ADD of this network was faster: then it is there, which is all that was wanted.
            guard error.isAlreadyThere else { throw error }
        }
        present.append(address)
    }

    private func conflict(_ link: Link, _ obstacles: [InterfaceAddress], _ wanted: IPPrefix) throws -> CNIError {
        let there = obstacles.map { $0.prefix.description }.joined(separator: ", ")
        let ports = try host.ports(of: bridge.index).count
        return CNIError(
            .failed, "\(link.name) has \(there), the network wants \(wanted); \(ports) port\(ports == 1 ? "" : "s") attached",
            details: "forceAddress replaces the address")
    }

    /// The link `<bridge>.<vlan>`: one end of a pair whose other end is an access port of the bridge. Made once for all
    /// containers in the VLAN.
    private func ensureVLANLink(_ rollback: Rollback) throws -> Link? {
        guard let name = configuration.gatewayLink else { return nil }
        if let link = try host.link(named: name) {
            // Down by hand, or left half made by an ADD that was killed.
            if !link.isUp {
                let port = try link.tiedTo.flatMap { try host.link(index: $0) }
                rollback.onFailure("bring \(name) down again") { try host.change(link, LinkChange(isUp: false)) }
                try bringUp(link, port: port?.master == bridge.index ? port : nil)
            }
            return link
        }
        let portName = HostLinkName.veth(gatewayLink: name)
        let pair = NewLink(
            name: portName, kind: .veth(VethPeer(name: name, mtu: bridge.mtu)), mtu: bridge.mtu, master: bridge.index)
        let port: Link
        do throws(NetlinkError) {
            port = try host.make(pair)
        } catch {
            guard error.isAlreadyThere, let link = try host.link(named: name) else { throw error }
            return link
        }
        rollback.onFailure("delete \(name)") { try host.deleteLink(index: port.index) }
        guard let link = try host.link(named: name) else {
            throw CNIError(.failed, "\(name), which was just made, is gone")
        }
        try bringUp(link, port: port)
        return link
    }

    /// Brings the gateway's link up, and before it the bridge's end of the pair, in the network's VLAN.
    private func bringUp(_ link: Link, port: Link?) throws {
        for end in [port, link] {
            guard let end else { continue }
            try kernel.write(Sysctls.ignoringRouterAdvertisements(end.name), in: nil)
        }
        if let port {
            let vlans = configuration.vlans.on(bridge)
            if !vlans.removals.isEmpty { try host.delete(vlans.removals, fromPort: port) }
            try host.add(vlans.additions, toPort: port)
            try host.change(port, LinkChange(isUp: true))
        }
        try host.change(link, LinkChange(isUp: true))
    }

    /// Lets the host pass packets on. The last step of ADD: other networks may come to rely on it at once, so that it is
    /// never taken back.
    func enableForwarding(_ families: Set<AddressFamily>) throws {
        for family in families.sorted() {
            let sysctl = Sysctls.forwarding(family)
            if try kernel.read(sysctl, in: nil) == "1" { continue }
            try kernel.write([SysctlSetting(sysctl, "1")], in: nil)
        }
    }
}
