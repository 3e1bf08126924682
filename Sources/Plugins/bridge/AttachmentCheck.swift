internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import Netlink
internal import NetworkAddress
internal import PacketFilterSetup

/// CHECK of one attachment: everything that ADD promised, compared with the kernel.
struct AttachmentCheck {
    private let request: AttachRequest
    private let configuration: BridgeConfiguration
    private let result: AttachmentResult
    private let host: any NetworkStack
    private let sandbox: any NetworkStack
    private let kernel: any KernelAccess
    private let filters: any PacketFilterAccess

    init(
        _ request: AttachRequest, _ configuration: BridgeConfiguration, _ result: AttachmentResult,
        host: any NetworkStack, sandbox: any NetworkStack, kernel: any KernelAccess, filters: any PacketFilterAccess
    ) {
        self.request = request
        self.configuration = configuration
        self.result = result
        self.host = host
        self.sandbox = sandbox
        self.kernel = kernel
        self.filters = filters
    }

    func run() throws {
        let position = try result.position(of: request.attachment)
        let container = try checkContainer(position)
        let bridge = try checkBridge()
        let port = try checkPort(of: container, bridge)
        try AttachmentProtection(request.attachment, configuration, filters)
            .check(AddressPlan(result, interface: position).addresses, link: port.name, mac: container.mac)
        if configuration.isGateway { try checkGateway(bridge, position) }
    }

    private func checkContainer(_ position: Int) throws -> Link {
        let name = request.attachment.interfaceName
        guard let link = try sandbox.link(named: name) else {
            throw CNIError(.failed, "\(name) is not in the sandbox \(request.sandbox.path)")
        }
        guard link.kind == "veth" else { throw CNIError(.failed, "\(name) is no veth but \(link.kind ?? "a device")") }
        try result.interfaces[position].check(link)
        if configuration.disableContainerInterface { return link }
        guard link.isUp else { throw CNIError(.failed, "\(name) in the sandbox is down") }
        try SandboxInterface(link, in: request.sandbox, stack: sandbox, kernel: kernel)
            .check(AddressPlan(result, interface: position))
        return link
    }

    private func checkBridge() throws -> Link {
        let name = configuration.bridge
        guard let bridge = try host.link(named: name) else { throw CNIError(.failed, "the bridge \(name) is gone") }
        guard bridge.kind == "bridge" else {
            throw CNIError(.failed, "\(name) is no bridge but \(bridge.kind ?? "a device")")
        }
        guard bridge.isUp else { throw CNIError(.failed, "the bridge \(name) is down") }
        if configuration.promiscMode && !bridge.isPromiscuous {
            throw CNIError(.failed, "\(name) is not promiscuous, as promiscMode wants it")
        }
        if !configuration.vlans.isEmpty && bridge.bridge?.filtersVLANs != true {
            throw CNIError(.failed, "\(name) does not keep VLANs apart")
        }
        // The MTU is not compared: the kernel adapts a bridge's to its ports'.
        if let described = result.interfaces.first(where: { $0.name == name && $0.sandbox == nil }) {
            var mac = described
            mac.mtu = nil
            // One that was made by hand takes the hardware address of one of its ports, as they come and go.
            if mac.mac != bridge.mac?.description,
                try host.ports(of: bridge.index).contains(where: { $0.mac == bridge.mac })
            {
                mac.mac = nil
            }
            try mac.check(bridge)
        }
        return bridge
    }

    /// The host's end of the pair: the link that the container's end is tied to.
    private func checkPort(of container: Link, _ bridge: Link) throws -> Link {
        guard let index = container.tiedTo, let port = try host.link(index: index), port.tiedTo == container.index
        else {
            throw CNIError(.failed, "the other end of \(container.name) is not on the host")
        }
        if let described = result.interfaces.first(where: { $0.name == port.name && $0.sandbox == nil }) {
            try described.check(port)
        }
        guard port.isUp else { throw CNIError(.failed, "\(port.name), the other end of \(container.name), is down") }
        guard port.master == bridge.index, let settings = port.port else {
            throw CNIError(.failed, "\(port.name), the other end of \(container.name), is no port of \(bridge.name)")
        }
        guard settings.isHairpin == configuration.hairpinMode else {
            throw CNIError(
                .failed,
                "\(port.name) has hairpin mode \(settings.isHairpin ? "on" : "off"), the network wants the opposite")
        }
        // A plugin after this one may isolate it, as firewall does.
        if configuration.portIsolation && !settings.isIsolated {
            throw CNIError(.failed, "\(port.name) is not isolated, the network wants the opposite")
        }
        // A plugin after this one may have lowered it, of which results before version 1.1.0 do not tell.
        if container.mtu > port.mtu {
            throw CNIError(
                .failed, "\(container.name) has the MTU \(container.mtu), its other end \(port.name) has \(port.mtu)")
        }
        // It may be less than the network says where the bridge's is.
        if let wanted = configuration.mtu, !(min(wanted, bridge.mtu)...wanted).contains(port.mtu) {
            throw CNIError(.failed, "\(port.name) has the MTU \(port.mtu), the network wants \(wanted)")
        }
        if !configuration.vlans.isEmpty {
            let vlans = try host.vlans(ofPort: port)
            guard configuration.vlans.on(bridge).isServed(by: vlans) else {
                let there = vlans.map(\.text).joined(separator: ", ")
                throw CNIError(
                    .failed,
                    "\(port.name) is not in the VLANs that the network wants; it is in \(there.isEmpty ? "none" : there)"
                )
            }
        }
        return port
    }

    private func checkGateway(_ bridge: Link, _ position: Int) throws {
        let name = configuration.gatewayLink ?? bridge.name
        guard let link = name == bridge.name ? bridge : try host.link(named: name) else {
            throw CNIError(.failed, "\(name), which has the gateway's address, is gone")
        }
        guard link.isUp else { throw CNIError(.failed, "\(name), which has the gateway's address, is down") }
        let present = try host.addresses(of: link, nil).map(\.prefix.address)
        for ip in result.ips where ip.interface == nil || ip.interface == position {
            guard let gateway = ip.gateway else { continue }
            guard present.contains(gateway) else {
                throw CNIError(.failed, "\(name) lacks the gateway's address \(gateway)")
            }
            let forwarding = Sysctls.forwarding(gateway.family)
            guard try kernel.read(forwarding, in: nil) == "1" else {
                throw CNIError(.failed, "the host does not pass packets on: \(forwarding) is not 1")
            }
        }
    }
}

extension BridgeVLAN {
    /// `100`, or `100-200`.
    fileprivate var text: String {
        identifiers.count == 1 ? "\(identifiers.lowerBound)" : "\(identifiers.lowerBound)-\(identifiers.upperBound)"
    }
}
