internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import JSON
internal import LinuxSystem
internal import Netlink
internal import NetworkAddress
internal import PacketFilter
internal import PacketFilterSetup

/// Attaches containers to a bridge of the host, each by a pair of virtual Ethernet links.
@main
struct BridgePlugin: Plugin {
    static let summary = "bridge: attaches containers to a bridge of the host"

    var kernel: any KernelAccess = Kernel()
    var programs: any ProgramRunner = SystemProgramRunner()
    var filters: any PacketFilterAccess = PacketFilters()

    func add(_ request: AttachRequest) throws -> AttachmentResult {
        let configuration = try BridgeConfiguration(request.configuration, request.arguments)
        let host = try kernel.host()
        let sandbox = try kernel.stack(in: request.sandbox)
        // Before IPAM is asked: when it fails its DEL follows, which must not release the addresses of an attachment
        // that lives.
        guard try sandbox.link(named: request.attachment.interfaceName) == nil else {
            throw CNIError(
                .failed, "\(request.attachment.interfaceName) already exists in the sandbox \(request.sandbox.path)")
        }
        guard try host.link(named: HostLinkName.veth(request.attachment)) == nil else {
            throw CNIError(
                .failed, "\(request.attachment) is attached already",
                details: "its link on the host is \(HostLinkName.veth(request.attachment))")
        }
        return try Rollback.guarding { rollback in
            // IPAM has its own process and the other processor: its answer is there when the links are.
            let ipam = try Delegate.ipam(request.configuration, request.execution, programs)?.startAdding()
            if let ipam { rollback.onFailure("release the addresses") { try ipam.undo() } }

            let (bridge, isNewBridge) = try HostBridge(host, kernel, configuration).ensure(rollback)
            let port = ContainerPort(request.attachment, configuration, bridge: bridge, host: host, kernel: kernel)
            let pair = try port.make(in: request.sandbox, stack: sandbox, rollback)
            let protection = AttachmentProtection(request.attachment, configuration, filters)
            try protection.guardLink(pair.host.name, mac: pair.container.mac, rollback)
            let interface = SandboxInterface(pair.container, in: request.sandbox, stack: sandbox, kernel: kernel)
            if !configuration.disableContainerInterface {
                try interface.bringUp(options(configuration))
                try port.waitUntilForwarding(pair.host)
            }

            let answer = try ipam?.result() ?? AttachmentResult()
            if let type = configuration.ipamType { try AddressPlan.checkAddresses(answer.ips, from: type) }
            let plan = try GatewayPlan(answer, configuration)
            // A result that the version cannot express is refused while all of it can be taken back.
            _ = try plan.result.json(version: request.configuration.version)
            let gateway = Gateway(host, kernel, configuration, bridge: bridge, isNewBridge: isNewBridge)
            let gatewayLink = try gateway.ensure(plan, rollback)
            let addresses = AddressPlan(plan.result, interface: nil)
            try protection.apply(addresses.addresses, link: pair.host.name, mac: pair.container.mac, rollback)
            try interface.configure(addresses, options(configuration))
            try interface.announce(addresses)
            try gateway.waitUntilUnique(plan, on: gatewayLink)
            // One of ours keeps the hardware address that it was made with; one made by hand may take its port's.
            let bridgeNow = isNewBridge ? bridge : try host.link(index: bridge.index) ?? bridge
            try gateway.enableForwarding(plan.families)
            return result(
                plan.result, configuration,
                [.init(bridgeNow), .init(pair.host), .init(pair.container, sandbox: request.sandbox.path)]
                    + (gatewayLink.map { [.init($0)] } ?? []))
        }
    }

    /// The IPAM result with the interfaces, to the third of which its addresses belong.
    private func result(
        _ ipam: AttachmentResult, _ configuration: BridgeConfiguration, _ interfaces: [AttachmentResult.Interface]
    ) -> AttachmentResult {
        var result = ipam
        result.interfaces = interfaces
        for position in result.ips.indices { result.ips[position].interface = 2 }
        if !configuration.dns.isEmpty { result.dns = configuration.dns }
        return result
    }

    private func options(_ configuration: BridgeConfiguration) -> SandboxInterface.Options {
        let hasIPAM = configuration.ipamType != nil
        return SandboxInterface.Options(
            // With addresses of IPv4 only, policies for IPv4 must be all that there is to get round.
            ipv6: hasIPAM ? .givenAddressesOnly : configuration.disableIPv6 ? .none : .kernelDefaults,
            announcesAddresses: hasIPAM, detectsDuplicates: configuration.enabledad)
    }

    /// Needs nothing of the configuration but the IPAM plugin: a runtime that got an error from ADD calls DEL, and an error
    /// from that too, for the same key, would keep it from ever being done.
    func delete(_ request: DetachRequest) throws {
        var teardown = Teardown()
        // The link first: its address is given to somebody else only after it.
        teardown.step { try deleteLinks(request) }
        let filters = filters.connected
        for backend in filters.all {
            teardown.step { try backend.stopMasquerading(RuleOwner(request.attachment)) }
        }
        teardown.step { try filters.spoofChecker.unpin(RuleOwner(request.attachment)) }
        teardown.step { try Delegate.ipam(request.configuration, request.execution, programs)?.delete() }
        try teardown.finish()
    }

    /// Deletes the pair by its name on the host. Another implementation's has another name there and is found in the
    /// sandbox; where there is no sandbox any more, there is no pair either.
    private func deleteLinks(_ request: DetachRequest) throws {
        let host = try kernel.host()
        if try host.deleteLink(named: HostLinkName.veth(request.attachment)) { return }
        guard let sandbox = request.sandbox else { return }
        let stack = try kernel.stack(in: sandbox)
        guard let link = try stack.link(named: request.attachment.interfaceName), link.kind == "veth" else { return }
        // An ADD that failed because the name was taken is followed by DEL, which must not take the taker's link.
        if let index = link.tiedTo, let port = try host.link(index: index), port.tiedTo == link.index,
            HostLinkName.isAlias(port.alias, ofOtherThan: request.attachment)
        {
            return
        }
        try stack.deleteLink(index: link.index)
    }

    func check(_ request: AttachRequest) throws {
        let configuration = try BridgeConfiguration(request.configuration, request.arguments)
        let prevResult = try request.configuration.requiredPrevResult()
        try Delegate.check(.ipam(request.configuration, request.execution, programs)) {
            try AttachmentCheck(
                request, configuration, prevResult, host: try kernel.host(),
                sandbox: try kernel.stack(in: request.sandbox), kernel: kernel, filters: filters
            ).run()
        }
    }

    func status(_ request: NetworkRequest) throws {
        let configuration = try BridgeConfiguration(request.configuration, .none)
        let host = try kernel.host()
        if let link = try host.link(named: configuration.bridge), link.kind != "bridge" {
            throw CNIError(.notAvailable, "\(configuration.bridge) is no bridge but \(link.kind ?? "a device")")
        }
        do throws(PacketFilterError) {
            if configuration.ipMasq { try filters.backend(configuration.ipMasqBackend).checkMasquerading() }
            if configuration.macspoofchk { try filters.spoofChecker.checkPinning() }
        } catch {
            throw CNIError(notAvailable: error)
        }
        try Delegate.ipam(request.configuration, request.execution, programs)?.status()
    }

    func collectGarbage(_ request: NetworkRequest, living: Set<Attachment>) throws {
        let configuration = try BridgeConfiguration(request.configuration, .none)
        let (network, owners) = (request.configuration.network, Set(living.map(RuleOwner.init)))
        var teardown = Teardown()
        teardown.step { try deleteLinks(of: network, configuration, except: living) }
        let filters = filters.connected
        for backend in filters.all {
            teardown.step { try backend.stopMasquerading(network: network, except: owners) }
        }
        teardown.step { try filters.spoofChecker.unpin(network: network, except: owners) }
        teardown.step { try Delegate.ipam(request.configuration, request.execution, programs)?.collectGarbage() }
        try teardown.finish()
    }

    private func deleteLinks(
        of network: String, _ configuration: BridgeConfiguration, except living: Set<Attachment>
    ) throws {
        let host = try kernel.host()
        guard let bridge = try host.link(named: configuration.bridge) else { return }
        let names = Set(living.map(HostLinkName.veth))
        var teardown = Teardown()
        for port in try host.ports(of: bridge.index)
        where HostLinkName.isVeth(named: port.name, alias: port.alias, of: network) && !names.contains(port.name) {
            teardown.step { try host.deleteLink(index: port.index) }
        }
        try teardown.finish()
    }
}
