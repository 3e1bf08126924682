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

    /// The bridge, up and fit for this network.
    func ensure(_ rollback: Rollback) throws -> Link {
        let bridge = try found() ?? made(rollback)
        guard bridge.kind == "bridge" else {
            throw CNIError(
                .invalidConfiguration,
                "bridge: expected \(bridge.name) to be a bridge or absent, found \(bridge.kind ?? "a device") of that name")
        }
        if !configuration.vlans.isEmpty && bridge.bridge?.filtersVLANs != true {
            throw CNIError(
                .invalidConfiguration,
                "\(bridge.name) does not keep VLANs apart, and the network wants \(configuration.vlans.key)",
                details: "ip link set \(bridge.name) type bridge vlan_filtering 1")
        }
        try kernel.write(Sysctls.ignoringRouterAdvertisements(bridge.name), in: nil)
        let becomesPromiscuous = configuration.promiscMode && !bridge.isPromiscuous
        if !bridge.isUp || becomesPromiscuous {
            try host.change(bridge, LinkChange(isUp: true, isPromiscuous: becomesPromiscuous ? true : nil))
            rollback.onFailure("restore the state of \(bridge.name)") {
                try host.change(
                    bridge, LinkChange(isUp: bridge.isUp, isPromiscuous: becomesPromiscuous ? false : nil))
            }
        }
        return bridge
    }

    private func found() throws -> Link? {
        try host.link(named: configuration.bridge)
    }

    /// Makes the bridge. Another ADD may have been faster: then it is that one's bridge.
    private func made(_ rollback: Rollback) throws -> Link {
        let wanted = NewLink(
            name: configuration.bridge,
            kind: .bridge(BridgeSettings(filtersVLANs: !configuration.vlans.isEmpty)),
            // With an address of its own the bridge keeps it; else it would take the least of its ports', which changes
            // as containers come and go, and every neighbour would lose the gateway.
            mac: MACAddress.randomLocal(), mtu: try configuration.mtu ?? usualMTU())
        do throws(NetlinkError) {
            let bridge = try host.make(wanted)
            rollback.onFailure("delete \(bridge.name)") {
                if try host.ports(of: bridge.index).isEmpty { try host.deleteLink(index: bridge.index) }
            }
            return bridge
        } catch {
            if error.isUnsupported && !configuration.vlans.isEmpty {
                throw CNIError(
                    .failed, "\(configuration.vlans.key): this kernel has no VLAN filtering on bridges", details: error.description)
            }
            guard error.isAlreadyThere, let bridge = try found() else { throw error }
            return bridge
        }
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
