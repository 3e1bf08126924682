internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import Netlink
internal import NetworkAddress
internal import PacketFilter
internal import PacketFilterSetup

/// What the plugins before this one have made of a container's network, as far as it matters to a firewall.
struct ContainerNetwork {
    let admission: ContainerAdmission
    private let request: AttachRequest
    private let result: AttachmentResult
    private let kernel: any KernelAccess
    /// Nil where nobody has to be kept apart: then the links do not matter.
    private let host: (any NetworkStack)?
    private let bridge: Link?
    private let isIsolated: Bool

    init(
        _ request: AttachRequest, _ configuration: FirewallConfiguration, _ result: AttachmentResult,
        _ kernel: any KernelAccess
    ) throws {
        self.request = request
        self.result = result
        self.kernel = kernel
        isIsolated = configuration.ingressPolicy == .isolated
        var policy = ContainerAdmission.IngressPolicy.open
        if configuration.ingressPolicy == .open {
            (host, bridge) = (nil, nil)
        } else {
            let stack = try kernel.host()
            let found = try ContainerNetwork.bridge(in: result, stack)
            let link = ContainerNetwork.routedLink(of: found, in: result)
            policy = isIsolated ? .isolated(link) : .sameBridge(link)
            (host, bridge) = (stack, found)
        }
        admission = ContainerAdmission(
            owner: RuleOwner(request.attachment), addresses: result.containerAddresses, policy: policy,
            adminChain: configuration.adminChain)
    }

    /// The bridge is the first link of the host in a result.
    private static func bridge(in result: AttachmentResult, _ host: any NetworkStack) throws -> Link {
        let expected = "prevResult.interfaces: expected a bridge of the host first, for ingressPolicy"
        guard let interface = result.interfaces.first(where: { $0.isOnHost }) else {
            throw CNIError(.invalidConfiguration, "\(expected), found no link of the host")
        }
        guard let link = try host.link(named: interface.name), link.kind == "bridge" else {
            throw CNIError(.invalidConfiguration, "\(expected), found \(interface.name), which is none")
        }
        return link
    }

    /// The link by which containers' packets come out of a bridge: the bridge, unless the network is a VLAN with a gateway of
    /// its own.
    private static func routedLink(of bridge: Link, in result: AttachmentResult) -> String {
        result.interfaces.first { $0.isOnHost && $0.name.hasPrefix(bridge.name + ".") }?.name ?? bridge.name
    }

    /// The port of the bridge that leads to the container, where it is not to reach other ports: frames from one to another
    /// do not come by the packet filter, unless br_netfilter is on.
    func portToIsolate() throws -> IsolatedPort? {
        guard isIsolated, let host, let bridge else { return nil }
        let sandbox = try kernel.stack(in: request.sandbox)
        let name = request.attachment.interfaceName
        guard let container = try sandbox.link(named: name), let index = container.tiedTo else {
            throw CNIError(.failed, "\(name) in the sandbox \(request.sandbox.path) is not tied to a link of the host")
        }
        // Numbers are the namespace's own: that the other end says the same is the proof.
        guard let port = try host.link(index: index), port.tiedTo == container.index, port.master == bridge.index else {
            throw CNIError(.failed, "the other end of \(name) is no port of \(bridge.name)")
        }
        guard result.interfaces.contains(where: { $0.isOnHost && $0.name == port.name }) else {
            throw CNIError(
                .invalidConfiguration,
                "prevResult.interfaces: expected \(port.name), the port of \(bridge.name) that leads to \(name), found none"
            )
        }
        return IsolatedPort(port, host)
    }
}

extension AttachmentResult.Interface {
    var isOnHost: Bool { sandbox?.isEmpty ?? true }
}

extension AttachmentResult {
    /// The addresses of the container: those that belong to an interface in the sandbox, or to none.
    var containerAddresses: [IPAddress] {
        var addresses: [IPAddress] = []
        for ip in ips where !addresses.contains(ip.address.address) {
            if let interface = ip.interface, interfaces.indices.contains(interface), interfaces[interface].isOnHost {
                continue
            }
            addresses.append(ip.address.address)
        }
        return addresses
    }
}
