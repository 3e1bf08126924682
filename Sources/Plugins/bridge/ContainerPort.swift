internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import LinuxSystem
internal import Netlink

/// The pair of links between a bridge and a container.
struct ContainerPort {
    /// Both ends of a pair.
    struct Pair: Equatable {
        /// The end that is a port of the bridge.
        var host: Link
        /// The end in the sandbox.
        var container: Link
    }

    private let attachment: Attachment
    private let configuration: BridgeConfiguration
    private let bridge: Link
    private let host: any NetworkStack
    private let kernel: any KernelAccess

    init(
        _ attachment: Attachment, _ configuration: BridgeConfiguration, bridge: Link, host: any NetworkStack,
        kernel: any KernelAccess
    ) {
        self.attachment = attachment
        self.configuration = configuration
        self.bridge = bridge
        self.host = host
        self.kernel = kernel
    }

    /// Makes the pair, with its container end in the sandbox, and brings the host's end up as a port of the bridge.
    func make(in sandbox: Sandbox, stack: any NetworkStack, _ rollback: Rollback) throws -> Pair {
        let port = try makePair(in: sandbox)
        rollback.onFailure("delete \(port.name)") { try host.deleteLink(index: port.index) }
        guard let container = try stack.link(named: attachment.interfaceName) else {
            throw CNIError(.failed, "\(attachment.interfaceName), which was just made, is not in the sandbox")
        }
        try kernel.write(Sysctls.ignoringRouterAdvertisements(port.name), in: nil)
        if !configuration.vlans.isEmpty {
            let vlans = configuration.vlans.on(bridge)
            if !vlans.removals.isEmpty { try host.delete(vlans.removals, fromPort: port) }
            try host.add(vlans.additions, toPort: port)
        }
        let change = configuration.portChange
        try host.change(
            port,
            LinkChange(
                isUp: true, alias: HostLinkName.alias(attachment), port: change == BridgePortChange() ? nil : change))
        return Pair(host: port, container: container)
    }

    /// Makes both ends in one message: names, places, hardware address, MTU and master are right from the first moment.
    private func makePair(in sandbox: Sandbox) throws -> Link {
        let mtu = self.mtu
        let pair = NewLink(
            name: HostLinkName.veth(attachment),
            kind: .veth(
                VethPeer(name: attachment.interfaceName, mac: configuration.mac, mtu: mtu, namespace: sandbox.namespace)
            ),
            mtu: mtu, master: bridge.index)
        return try host.make(pair)
    }

    /// What the network says, else 1500; never more than the bridge passes on.
    private var mtu: UInt32 {
        min(configuration.mtu ?? HostBridge.usualMTU, bridge.mtu)
    }

    /// Waits until the bridge passes packets to and from the port, which it does a moment after both ends are up.
    func waitUntilForwarding(_ port: Link) throws {
        let isReady = try host.wait(milliseconds: 5000) { () throws(NetlinkError) in
            // Where an administrator runs the spanning tree protocol, forwarding comes half a minute later.
            let state = try host.link(index: port.index)?.port?.state
            return state != .disabled && state != nil
        }
        if !isReady {
            throw CNIError(.failed, "\(port.name), the container's port of \(bridge.name), does not come up")
        }
    }
}
