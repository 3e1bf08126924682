internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import LinuxSystem
internal import Netlink
internal import NetworkAddress

/// Puts containers on the physical network, each with a link of its own on one of the host's.
@main
struct MacvlanPlugin: Plugin {
    static let summary = "macvlan: puts containers on the network that a link of the host is on"

    var kernel: any KernelAccess = Kernel()
    var programs: any ProgramRunner = SystemProgramRunner()
    /// Where the locks of host shims are.
    var lockFolder = "/run/cni"

    func add(_ request: AttachRequest) throws -> AttachmentResult {
        let configuration = try MacvlanConfiguration(request.configuration, request.arguments)
        let prevResult = request.configuration.prevResult
        let host = try kernel.host()
        let sandbox = try kernel.stack(in: request.sandbox)
        let outside = configuration.linkInContainer ? sandbox : host
        let parent = try ParentLink(configuration, outside).find(prevResult)
        // Before IPAM is asked: when it fails its DEL follows, which must not release the addresses of an attachment
        // that lives.
        guard try sandbox.link(named: request.attachment.interfaceName) == nil else {
            throw CNIError(
                .failed, "\(request.attachment.interfaceName) already exists in the sandbox \(request.sandbox.path)")
        }
        return try Rollback.guarding { rollback in
            // IPAM has its own process and the other processor: its answer is there when the link is.
            let ipam = try Delegate.ipam(request.configuration, request.execution, programs)?.startAdding()
            if let ipam { rollback.onFailure("release the addresses") { try ipam.undo() } }

            let made = ContainerLink(request, configuration, parent, outside: outside, sandbox: sandbox)
            let link = try made.make(rollback)
            let interface = SandboxInterface(link, in: request.sandbox, stack: sandbox, kernel: kernel)
            try made.bringUp(link, interface, options(configuration))

            let answer = try ipam?.result() ?? AttachmentResult()
            if let type = configuration.ipamType { try check(answer, from: type, configuration) }
            var (result, position) = result(
                answer, configuration, .init(link, sandbox: request.sandbox.path), after: prevResult)
            // A result that the version cannot express is refused while all of it can be taken back.
            _ = try result.json(version: request.configuration.version)
            let plan = AddressPlan(answer, interface: nil)
            try interface.configure(plan, options(configuration))
            try interface.announce(plan)
            if configuration.hostShim {
                let shim = HostShim(request.configuration, request.execution, host, self)
                let link = try shim.join(request.attachment, plan.addresses, on: parent, rollback)
                result.interfaces.insert(.init(link), at: position + 1)
            }
            return result
        }
    }

    private func options(_ configuration: MacvlanConfiguration) -> SandboxInterface.Options {
        SandboxInterface.Options(
            // Routers of the physical network are as good as IPAM.
            ipv6: configuration.disableIPv6 ? .none : .kernelDefaults,
            announcesAddresses: configuration.ipamType != nil, detectsDuplicates: configuration.enabledad)
    }

    private func check(
        _ answer: AttachmentResult, from type: String, _ configuration: MacvlanConfiguration
    ) throws(CNIError) {
        try AddressPlan.checkAddresses(answer.ips, from: type)
        if configuration.disableIPv6, let ip = answer.ips.first(where: { $0.address.family == .ipv6 }) {
            throw CNIError(
                .invalidConfiguration, "disableIPv6: expected no IPv6 address from \(type), found \(ip.address)")
        }
    }

    /// What the plugins before this one made, and after that the container's interface with what IPAM answered; and
    /// where the interface stands in it.
    private func result(
        _ answer: AttachmentResult, _ configuration: MacvlanConfiguration, _ interface: AttachmentResult.Interface,
        after prevResult: AttachmentResult?
    ) -> (AttachmentResult, position: Int) {
        var result = prevResult ?? AttachmentResult(unknown: answer.unknown)
        let position = result.interfaces.count
        result.interfaces.append(interface)
        result.ips += answer.ips.map { ip in
            var ip = ip
            ip.interface = position
            return ip
        }
        result.routes += answer.routes
        let dns = configuration.dns.isEmpty ? answer.dns : configuration.dns
        if !dns.isEmpty { result.dns = dns }
        return (result, position)
    }

    /// Needs nothing of the configuration but the IPAM plugin: a runtime that got an error from ADD calls DEL, and an error
    /// from that too, for the same key, would keep it from ever being done.
    func delete(_ request: DetachRequest) throws {
        var teardown = Teardown()
        // The link first: its address is given to somebody else only after it.
        if let sandbox = request.sandbox {
            teardown.step { try ContainerLink.delete(request.attachment, try kernel.stack(in: sandbox)) }
        }
        teardown.step {
            try HostShim(request.configuration, request.execution, try kernel.host(), self).leave(request.attachment)
        }
        teardown.step { try Delegate.ipam(request.configuration, request.execution, programs)?.delete() }
        try teardown.finish()
    }

    func check(_ request: AttachRequest) throws {
        let configuration = try MacvlanConfiguration(request.configuration, request.arguments)
        let result = try request.configuration.requiredPrevResult()
        try Delegate.check(.ipam(request.configuration, request.execution, programs)) {
            try check(request, configuration, result)
        }
    }

    /// Compares the kernel with what ADD promised.
    private func check(
        _ request: AttachRequest, _ configuration: MacvlanConfiguration, _ result: AttachmentResult
    ) throws {
        let host = try kernel.host()
        let sandbox = try kernel.stack(in: request.sandbox)
        let outside = configuration.linkInContainer ? sandbox : host
        let position = try result.position(of: request.attachment)
        var before = result
        before.interfaces.removeSubrange(position...)
        let parent = try ParentLink(configuration, outside).find(before)
        let link = try ContainerLink(request, configuration, parent, outside: outside, sandbox: sandbox)
            .check(result.interfaces[position])
        // ADD says of each address that it is this interface's; one of no interface is of a plugin before it.
        var own = result
        own.ips.removeAll { $0.interface != position }
        let plan = AddressPlan(own, interface: position)
        try SandboxInterface(link, in: request.sandbox, stack: sandbox, kernel: kernel).check(plan)
        if configuration.hostShim {
            try HostShim(request.configuration, request.execution, host, self)
                .check(request.attachment, plan.addresses, on: parent)
        }
    }

    func status(_ request: NetworkRequest) throws {
        let configuration = try MacvlanConfiguration(request.configuration, .none)
        if !configuration.linkInContainer { try checkParent(configuration) }
        try Delegate.ipam(request.configuration, request.execution, programs)?.status()
    }

    private func checkParent(_ configuration: MacvlanConfiguration) throws {
        let parent: Link
        do {
            parent = try ParentLink(configuration, try kernel.host()).find(nil)
        } catch let error as CNIError {
            throw CNIError(.notAvailable, error.message, details: error.details)
        }
        guard parent.isUp else { throw CNIError(.notAvailable, "master \(parent.name) is down") }
    }

    func collectGarbage(_ request: NetworkRequest, living: Set<Attachment>) throws {
        let shim = HostShim(request.configuration, request.execution, try kernel.host(), self)
        var teardown = Teardown()
        // Until it is known to be gone: IPAM would give a container the address that the host still has.
        var shimStays = true
        teardown.step { shimStays = try shim.collectGarbage(living: living) }
        teardown.step {
            let execution = shimStays ? try shim.executionKeepingAddresses() : request.execution
            try Delegate.ipam(request.configuration, execution, programs)?.collectGarbage()
        }
        try teardown.finish()
    }
}
