internal import CNI
internal import CNIPlugin
internal import NetworkAddress
internal import SystemPackage

/// Hands out addresses from ranges, and keeps who has which in files of this host.
@main
struct HostLocalPlugin: Plugin {
    static let summary = "host-local: hands out addresses from ranges and keeps the leases in files of this host"

    var stores: any LeaseStores = LeaseDirectories()
    var resolverFiles: any ResolverFiles = SystemResolverFiles()

    init() {}

    func add(_ request: AttachRequest) throws -> AttachmentResult {
        let configuration = try HostLocalConfiguration(request.configuration, arguments: request.arguments)
        let dns = try readResolverFile(configuration.resolverFile)
        guard let store = try stores.open(configuration.location, creating: true) else {
            throw CNIError(.inputOutput, "there are no leases in \(configuration.location)")
        }
        let taken = try allocator(configuration, store)
            .allocate(for: request.attachment, requested: configuration.requested)
        return AttachmentResult(
            ips: taken.compactMap { allocation in
                IPPrefix(allocation.address, length: allocation.range.subnet.length).map {
                    AttachmentResult.IPConfiguration(address: $0, gateway: allocation.range.gateway)
                }
            },
            routes: configuration.routes, dns: dns)
    }

    func check(_ request: AttachRequest) throws {
        let configuration = try HostLocalConfiguration(request.configuration, arguments: request.arguments)
        let store = try stores.open(configuration.location, creating: false)
        let held = try store?.addresses(of: LeaseOwner(request.attachment)) ?? []
        for set in configuration.sets where !held.contains(where: set.contains) {
            throw CNIError(.failed, "\(request.attachment) has no address of \(set)")
        }
        for promised in (request.configuration.prevResult?.ips ?? []).map(\.address.address) {
            guard configuration.sets.contains(where: { $0.contains(promised) }), !held.contains(promised) else {
                continue
            }
            throw CNIError(
                .failed,
                "prevResult gives \(promised) to \(request.attachment), which has \(held.map(\.description).joined(separator: ", "))"
            )
        }
    }

    /// Needs no more of the configuration than where leases are, so that what is otherwise broken cannot keep a lease.
    func delete(_ request: DetachRequest) throws {
        guard let store = try stores.open(try LeaseLocation(request.configuration), creating: false) else { return }
        try release(try store.addresses(of: LeaseOwner(request.attachment)), of: store)
    }

    func status(_ request: NetworkRequest) throws {
        let configuration = try HostLocalConfiguration(request.configuration)
        _ = try readResolverFile(configuration.resolverFile)
        guard let store = try stores.open(configuration.location, creating: false) else { return }
        let allocator = allocator(configuration, store)
        let exhausted = try allocator.exhausted()
        guard exhausted.isEmpty else {
            throw CNIError(.notAvailable, exhausted.map(allocator.exhaustion).joined(separator: "; "))
        }
    }

    func collectGarbage(_ request: NetworkRequest, living: Set<Attachment>) throws {
        let location = try LeaseLocation(request.configuration)
        guard let store = try stores.open(location, creating: false) else { return }
        let living = Set(living.map(LeaseOwner.init))
        let owners = living.union(living.map(\.withoutInterface))
        try release(try store.leases().filter { !owners.contains($0.owner) }.map(\.address), of: store)
    }

    /// Gives back every address that can be, then reports what could not.
    private func release(_ addresses: [IPAddress], of store: any LeaseStore) throws {
        if addresses.isEmpty { return }
        var teardown = Teardown()
        for address in addresses { teardown.step { try store.release(address) } }
        teardown.step { try store.synchronize() }
        try teardown.finish()
    }

    private func allocator(_ configuration: HostLocalConfiguration, _ store: any LeaseStore) -> Allocator {
        Allocator(sets: configuration.sets, gateways: configuration.gateways, store: store)
    }

    private func readResolverFile(_ path: String?) throws -> AttachmentResult.DNS {
        guard let path else { return AttachmentResult.DNS() }
        do throws(Errno) {
            return AttachmentResult.DNS(resolverFile: try resolverFiles.contents(of: path))
        } catch {
            throw CNIError(.inputOutput, "ipam.resolvConf: \(path) cannot be read", details: error.description)
        }
    }
}
