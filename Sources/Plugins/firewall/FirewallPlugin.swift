internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import NetworkAddress
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
    var firewalld: any FirewallService = Firewalld()

    func add(_ request: AttachRequest) throws -> AttachmentResult {
        let configuration = try FirewallConfiguration(request.configuration)
        let result = try request.configuration.requiredPrevResult()
        let zones = try zones(configuration)
        let network = try ContainerNetwork(request, configuration, result, kernel)
        let backend = backend(configuration)
        return try Rollback.guarding { rollback in
            try network.portToIsolate()?.isolate(rollback)
            // With firewalld too: it knows no bridges, and not whose an address is.
            try backend.admit(network.admission)
            rollback.onFailure("stop admitting") {
                try backend.stopAdmitting(RuleOwner(request.attachment), addresses: [])
            }
            try zones?.add(network.admission.addresses, rollback)
            return result
        }
    }

    func check(_ request: AttachRequest) throws {
        let configuration = try FirewallConfiguration(request.configuration)
        let result = try request.configuration.requiredPrevResult()
        let zones = try zones(configuration)
        let network = try ContainerNetwork(request, configuration, result, kernel)
        try network.portToIsolate()?.check()
        try backend(configuration).check(network.admission)
        try zones?.check(network.admission.addresses)
    }

    /// Needs nothing but the attachment. Addresses of a result help to find what another implementation has made.
    func delete(_ request: DetachRequest) throws {
        let owner = RuleOwner(request.attachment)
        let addresses = request.configuration.prevResult?.containerAddresses ?? []
        try remove(request.configuration, whose: .one(owner), addresses) { backend throws(PacketFilterError) in
            try backend.stopAdmitting(owner, addresses: addresses)
        }
    }

    func status(_ request: NetworkRequest) throws {
        let configuration = try FirewallConfiguration(request.configuration)
        do throws(CNIError) { _ = try zones(configuration) } catch {
            throw CNIError(.notAvailable, error.message, details: error.details)
        }
        do throws(PacketFilterError) { try backend(configuration).checkAdmitting() } catch {
            throw CNIError(notAvailable: error)
        }
    }

    func collectGarbage(_ request: NetworkRequest, living: Set<Attachment>) throws {
        let (network, owners) = (request.configuration.network, Set(living.map(RuleOwner.init)))
        try remove(request.configuration, whose: .network(network, except: owners)) {
            backend throws(PacketFilterError) in
            try backend.stopAdmitting(network: network, except: owners)
        }
    }

    /// Takes rules back in every backend, and then takes addresses out of firewalld's zone that are nobody's any more.
    private func remove(
        _ request: RequestConfiguration, whose: AdmittedAttachments, _ addresses: [IPAddress] = [],
        _ stop: (any PacketFilterBackend) throws(PacketFilterError) -> Void
    ) throws {
        var released = Set(addresses)
        var teardown = Teardown()
        var zones: FirewallZone?
        // A configuration that ADD refused has put nothing into a zone, nor does firewalld know any when it does not run.
        if let configuration = try? FirewallConfiguration(request) {
            teardown.step {
                do throws(CNIError) { zones = try self.zones(configuration) } catch {
                    if error.code == .tryAgainLater { throw error }
                }
            }
        }
        for backend in filters.all {
            teardown.step { if zones != nil { released.formUnion(try backend.admittedAddresses(whose)) } }
            teardown.step { try stop(backend) }
        }
        if let zones, !released.isEmpty {
            teardown.step {
                for backend in filters.all { released.subtract(try backend.admittedAddresses(.all)) }
                try zones.remove(released.sorted())
            }
        }
        try teardown.finish()
    }

    /// Who makes the rules.
    private func backend(_ configuration: FirewallConfiguration) -> any PacketFilterBackend {
        if case .packetFilter(let name)? = configuration.backend { return filters.backend(name) }
        return filters.backend(nil)
    }

    /// The zone of firewalld, which has a say where it runs and no other backend is named; nil where it has none.
    private func zones(_ configuration: FirewallConfiguration) throws(CNIError) -> FirewallZone? {
        if case .packetFilter? = configuration.backend { return nil }
        if try firewalld.isRunning() { return FirewallZone(configuration.firewalldZone, of: firewalld) }
        if configuration.backend == nil { return nil }
        throw CNIError(.notAvailable, "backend: firewalld does not run", details: "nothing answers on the message bus")
    }
}
