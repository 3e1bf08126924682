internal import CNI
internal import CNIPlugin
internal import LinuxSystem
internal import Netlink
internal import NetworkAddress
internal import PacketFilter
internal import PacketFilterSetup

/// Publishes ports of a container on the host: what arrives there goes to the container.
///
/// A chained plugin: the plugins before it have attached the container, and their result is handed on as it is.
@main
struct PortmapPlugin: Plugin {
    static let summary = "portmap: publishes ports of a container on the host"

    var filters: any PacketFilterAccess = PacketFilters()
    var connections: any ConnectionTracker = ConnectionTracking()
    var host: () throws -> any NetworkStack = { try NetlinkSocket() }

    func add(_ request: AttachRequest) throws -> AttachmentResult {
        let configuration = try PortmapConfiguration(request.configuration)
        let result = try request.prevResult
        if configuration.mappings.isEmpty { return result }
        let forwarding = try forwarding(configuration, request.attachment, result)
        let backend = filters.backend(configuration.backend)
        return try Rollback.guarding { rollback in
            try publish(forwarding, backend, configuration)
            rollback.onFailure("take the ports back") { _ = try backend.unpublish(forwarding.owner) }
            // Until now these packets went elsewhere, and the kernel would go on with that.
            try forget(forwarding.published, .thatGoElsewhere)
            return result
        }
    }

    func check(_ request: AttachRequest) throws {
        let configuration = try PortmapConfiguration(request.configuration)
        let result = try request.prevResult
        if configuration.mappings.isEmpty { return }
        try filters.backend(configuration.backend).check(
            try forwarding(configuration, request.attachment, result))
    }

    /// Needs nothing but the attachment: neither what was published, which not every runtime says again, nor where.
    func delete(_ request: DetachRequest) throws {
        let owner = RuleOwner(request.attachment)
        try takeBack { try $0.unpublish(owner) }
    }

    func status(_ request: NetworkRequest) throws {
        let configuration = try PortmapConfiguration(request.configuration)
        do throws(PacketFilterError) { try filters.backend(configuration.backend).checkPublishing() } catch {
            throw CNIError(notAvailable: error)
        }
    }

    func collectGarbage(_ request: NetworkRequest, living: Set<Attachment>) throws {
        let owners = Set(living.map(RuleOwner.init))
        try takeBack { try $0.unpublish(network: request.configuration.network, except: owners) }
    }

    /// Takes ports back in every backend, and has the kernel forget who used them.
    private func takeBack(_ unpublish: (any PacketFilterBackend) throws -> [PublishedPort]) throws {
        var teardown = Teardown()
        for backend in filters.all {
            teardown.step { try forget(try unpublish(backend), .thatGoThere) }
        }
        try teardown.finish()
    }

    /// Publishes; a port that is taken is reported as the configuration that asked for it.
    private func publish(
        _ forwarding: PortForwarding, _ backend: any PacketFilterBackend, _ configuration: PortmapConfiguration
    ) throws {
        do throws(PacketFilterError) { try backend.publish(forwarding) } catch {
            guard case .conflict(let owner, let mapping?) = error.cause,
                let position = forwarding.mappings.firstIndex(where: { $0.overlaps(mapping) })
            else { throw error }
            throw CNIError(
                .invalidConfiguration,
                "\(configuration.path(ofMapping: position, "hostPort")): expected a port that nobody has published, found \(forwarding.mappings[position]), published by \(owner)"
            )
        }
    }

    private func forget(_ published: [PublishedPort], _ which: ForgottenConnections) throws {
        do throws(PacketFilterError) { try connections.forget(published, which) } catch {
            guard error.cause == .unsupported else { throw error }
            StandardStreams.writeError("portmap: \(error)\n")
        }
    }

    private func forwarding(
        _ configuration: PortmapConfiguration, _ attachment: Attachment, _ result: AttachmentResult
    ) throws -> PortForwarding {
        var forwarding = PortForwarding(
            owner: RuleOwner(attachment), mappings: configuration.mappings,
            containers: try configuration.containers(in: result),
            sourceTranslation: configuration.sourceTranslation, mark: configuration.mark,
            conditions: configuration.conditions)
        forwarding.link = try link(to: forwarding, result)
        return forwarding
    }

    /// The link of the host that leads to the container, as long as it was made for it: another one's settings are not
    /// ours to change.
    private func link(to forwarding: PortForwarding, _ result: AttachmentResult) throws -> String? {
        guard forwarding.sourceTranslation != .never, let address = forwarding.containers.first?.address,
            let link = try host().link(leadingTo: address)
        else { return nil }
        return result.interfaces.contains { $0.sandbox == nil && $0.name == link.name } ? link.name : nil
    }
}

extension AttachRequest {
    /// What the plugins before this one made.
    fileprivate var prevResult: AttachmentResult {
        get throws(CNIError) {
            guard let result = configuration.prevResult else {
                throw CNIError(
                    .invalidConfiguration,
                    "prevResult: expected the result of the plugins before this one, found nothing")
            }
            return result
        }
    }
}
