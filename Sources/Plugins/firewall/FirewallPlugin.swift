internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import PacketFilter
internal import PacketFilterSetup

/// Lets the packets of containers through the firewall of the host, and keeps containers of different networks apart.
///
/// A chained plugin: the plugins before it have attached the container, and their result is handed on as it is.
@main
struct FirewallPlugin: Plugin {
    static let summary = "firewall: lets containers through the firewall of the host, and isolates them"

    var filters: any PacketFilterAccess = PacketFilters()
    var kernel: any KernelAccess = Kernel()
    /// Whether the service firewalld runs, which then is told, and not the kernel.
    var isFirewalldRunning: () throws -> Bool = { false }

    func add(_ request: AttachRequest) throws -> AttachmentResult {
        let configuration = try FirewallConfiguration(request.configuration)
        let result = try request.configuration.requiredPrevResult()
        let backend = try backend(configuration)
        let network = try ContainerNetwork(request, configuration, result, kernel)
        return try Rollback.guarding { rollback in
            try network.portToIsolate()?.isolate(rollback)
            try backend.admit(network.admission)
            return result
        }
    }

    func check(_ request: AttachRequest) throws {
        let configuration = try FirewallConfiguration(request.configuration)
        let result = try request.configuration.requiredPrevResult()
        let backend = try backend(configuration)
        let network = try ContainerNetwork(request, configuration, result, kernel)
        try network.portToIsolate()?.check()
        try backend.check(network.admission)
    }

    /// Needs nothing but the attachment. Addresses of a result help to find what another implementation has made.
    func delete(_ request: DetachRequest) throws {
        let owner = RuleOwner(request.attachment)
        let addresses = request.configuration.prevResult?.containerAddresses ?? []
        var teardown = Teardown()
        for backend in filters.all {
            teardown.step { try backend.stopAdmitting(owner, addresses: addresses) }
        }
        try teardown.finish()
    }

    func status(_ request: NetworkRequest) throws {
        let backend = try backend(try FirewallConfiguration(request.configuration))
        do throws(PacketFilterError) { try backend.checkAdmitting() } catch {
            throw CNIError(notAvailable: error)
        }
    }

    func collectGarbage(_ request: NetworkRequest, living: Set<Attachment>) throws {
        let owners = Set(living.map(RuleOwner.init))
        var teardown = Teardown()
        for backend in filters.all {
            teardown.step { try backend.stopAdmitting(network: request.configuration.network, except: owners) }
        }
        try teardown.finish()
    }

    /// Who is told: what the configuration names, else firewalld where it runs, else what suits the host.
    private func backend(_ configuration: FirewallConfiguration) throws -> any ContainerFirewall {
        let choice = try configuration.backend ?? (isFirewalldRunning() ? .firewalld : .packetFilter(nil))
        switch choice {
        case .packetFilter(let name): return filters.backend(name)
        case .firewalld:
            throw CNIError(
                .notAvailable, "backend: expected \"iptables\" or \"nftables\", found \"firewalld\"",
                details: "this plugin cannot talk to firewalld yet")
        }
    }
}
