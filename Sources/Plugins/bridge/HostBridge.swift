internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import LinuxSystem
internal import Netlink
internal import NetworkAddress

/// The bridge of a network, on the host: found, or made.
struct HostBridge {
    /// The MTU of Ethernet, which a network has unless it says otherwise.
    static let usualMTU: UInt32 = 1500

    private let host: any NetworkStack
    private let kernel: any KernelAccess
    private let configuration: BridgeConfiguration

    init(_ host: any NetworkStack, _ kernel: any KernelAccess, _ configuration: BridgeConfiguration) {
        self.host = host
        self.kernel = kernel
        self.configuration = configuration
    }

    /// The bridge, up and fit for this network, and whether this ADD made it.
    func ensure(_ rollback: Rollback) throws -> (link: Link, isNew: Bool) {
        if let bridge = try found() { return (try adapted(bridge, rollback), false) }
        return try made(rollback)
    }

    private func found() throws -> Link? {
        try host.link(named: configuration.bridge)
    }

    /// Makes of a bridge that was there what this network needs.
    private func adapted(_ bridge: Link, _ rollback: Rollback) throws -> Link {
        guard bridge.kind == "bridge" else {
            throw CNIError(
                .invalidConfiguration,
                "bridge: expected \(bridge.name) to be a bridge or absent, found \(bridge.kind ?? "a device") of that name"
            )
        }
        if !configuration.vlans.isEmpty && bridge.bridge?.filtersVLANs != true {
            throw CNIError(
                .invalidConfiguration,
                "\(bridge.name) does not keep VLANs apart, and the network wants \(configuration.vlans.key)",
                details: "ip link set \(bridge.name) type bridge vlan_filtering 1")
        }
        try kernel.write(Sysctls.ignoringRouterAdvertisements(bridge.name), rollback)
        let becomesPromiscuous = configuration.promiscMode && !bridge.isPromiscuous
        if bridge.isUp && !becomesPromiscuous { return bridge }

        let portsBefore = bridge.isUp ? [] : Set(try host.ports(of: bridge.index).map(\.index))
        try host.change(bridge, LinkChange(isUp: true, isPromiscuous: becomesPromiscuous ? true : nil))
        rollback.onFailure("restore the state of \(bridge.name)") {
            // Whoever joined meanwhile relies on the bridge being up.
            let goesDown =
                try !bridge.isUp && host.ports(of: bridge.index).allSatisfy { portsBefore.contains($0.index) }
            try host.change(
                bridge, LinkChange(isUp: goesDown ? false : nil, isPromiscuous: becomesPromiscuous ? false : nil))
        }
        return bridge
    }

    /// Makes the bridge. Another ADD may have been faster: then it is that one's bridge.
    private func made(_ rollback: Rollback) throws -> (link: Link, isNew: Bool) {
        let mtu = try configuration.mtu ?? usualMTU()
        let wanted = NewLink(
            name: configuration.bridge,
            kind: .bridge(BridgeSettings(filtersVLANs: !configuration.vlans.isEmpty)),
            // With an address of its own the bridge keeps it; else it would take the least of its ports', which changes
            // as containers come and go, and every neighbour would lose the gateway.
            mac: MACAddress.randomLocal())
        var bridge: Link
        do throws(NetlinkError) {
            bridge = try host.make(wanted)
        } catch {
            if error.isUnsupported && !configuration.vlans.isEmpty {
                throw CNIError(
                    .failed, "\(configuration.vlans.key): this kernel has no VLAN filtering on bridges",
                    details: error.description)
            }
            guard error.isAlreadyThere, let bridge = try found() else { throw error }
            return (try adapted(bridge, rollback), false)
        }
        rollback.onFailure("delete \(bridge.name)") { [bridge] in try takeBack(bridge) }
        try kernel.write(
            Sysctls.ignoringRouterAdvertisements(bridge.name)
                + (configuration.enabledad ? [] : Sysctls.withoutDuplicateDetection(bridge.name)), in: nil)
        // An MTU that a bridge is made with is forgotten when its last port leaves; one that is set later is not.
        try host.change(
            bridge,
            LinkChange(
                isUp: true, isPromiscuous: configuration.promiscMode ? true : nil, mtu: mtu == bridge.mtu ? nil : mtu))
        bridge.mtu = mtu
        return (bridge, true)
    }

    /// Deletes the bridge that this ADD made, unless another one has joined it meanwhile: then it is that one's, with the
    /// addresses and the gateway's link that it has.
    private func takeBack(_ bridge: Link) throws {
        let gatewayPort = configuration.gatewayLink.map(HostLinkName.veth(gatewayLink:))
        let ports = try host.ports(of: bridge.index)
        guard ports.allSatisfy({ $0.name == gatewayPort }) else { return }
        for port in ports { try host.deleteLink(index: port.index) }
        try host.deleteLink(index: bridge.index)
    }

    /// 1500, or less where the default route allows less. Looked up for a new bridge only: the MTU of an existing one is
    /// the network's.
    private func usualMTU() throws -> UInt32 {
        var least = HostBridge.usualMTU
        for family in AddressFamily.allCases {
            for route in try host.routes(family, table: nil) where route.destination.length == 0 {
                if let mtu = route.mtu, mtu != 0 { least = min(least, mtu) }
                for hop in route.nextHops {
                    if let link = try host.link(index: hop.link) { least = min(least, link.mtu) }
                }
            }
        }
        return least
    }
}

extension MACAddress {
    /// A random address from the range for local use: never multicast.
    static func randomLocal() -> MACAddress? {
        var bytes = (0..<6).map { _ in UInt8.random(in: 0...255) }
        bytes[0] = bytes[0] & 0xFC | 0x02
        return MACAddress(bytes: bytes)
    }
}
