internal import CNI
internal import CNIContainers
internal import CNINetworks
internal import CNIRuntime
internal import LinuxSystem
internal import Netlink
internal import SystemPackage

/// Takes networks away, with all that was made for them.
struct NetworkRemoval {
    let folder: ConfigurationFolder
    let runtime: Runtime
    /// Knows the containers of `cnitool run`.
    let host: ContainerHost
    /// Whether attachments that live are detached first.
    var detaches = false

    /// Removes a network: its attachments, what its plugins keep, its bridge, its leases and its file, which stays
    /// where one of these fails.
    func remove(_ network: ConfigurationFolder.Network) throws {
        let list = network.list
        let living: [Attachment]
        do throws(RuntimeError) {
            living = try host.livingAttachments(of: list.name, runtime)
        } catch {
            throw Failure(
                "\(error): a living attachment may hide behind it, so delete that attachment, or the file, first")
        }
        if !detaches, !living.isEmpty { throw try refusal(list.name, living) }
        try host.detachAll(from: list.name)
        for entry in try runtime.cache.entries(ofNetwork: list.name).entries {
            let attachment = entry.attachment
            try runtime.delete(
                AttachmentParameters(
                    containerID: attachment.containerID, sandboxPath: entry.sandboxPath,
                    interfaceName: attachment.interfaceName), from: list)
        }
        try runtime.collectGarbage(of: list, living: [])
        let outline = NetworkOutline(list)
        try removeBridge(of: outline)
        do throws(Errno) {
            try LeaseFiles(outline)?.remove()
        } catch {
            throw Failure("the leases in \(outline.leaseFolder ?? "")/\(list.name) cannot be removed: \(error)")
        }
        do throws(Errno) {
            let path = FilePath(network.file)
            try Directory(folder.path).remove(path.lastComponent?.string ?? "")
        } catch {
            throw Failure("cannot remove \(network.file)", error)
        }
    }

    /// Why a network stays that has attachments.
    private func refusal(_ name: String, _ living: [Attachment]) throws -> Failure {
        let names = host.containers.mapValues(\.title)
        let entries = try runtime.cache.entries(ofNetwork: name).entries
        let named = living.map { attachment in
            let path = entries.first { $0.attachment == attachment }?.sandboxPath ?? ""
            let title = names[attachment.containerID] ?? attachment.containerID + (path.isEmpty ? "" : " (\(path))")
            return "\(attachment.interfaceName) of container \(title)"
        }.sorted().prefix(5)
        let more = living.count > named.count ? " and \(living.count - named.count) more" : ""
        // Whoever uses the network may be a container of either kind.
        let isOurs = living.contains { names[$0.containerID] != nil }
        let isOther = living.contains { names[$0.containerID] == nil }
        let remedies = [(isOurs, "\"cnitool network disconnect\""), (isOther, "\"cnitool del\"")].filter(\.0).map(\.1)
            .joined(separator: " and ")
        return Failure(
            "network \"\(name)\" is in use by \(named.joined(separator: ", "))\(more): "
                + "detach with \(remedies), or use -f, which detaches all")
    }

    /// Removes the bridge, unless somebody else uses it.
    private func removeBridge(of network: NetworkOutline) throws {
        guard let bridge = network.bridge else { return }
        let others = try folder.networks().networks.filter { $0.list.name != network.name }
        if let other = others.first(where: { NetworkOutline($0.list).bridge == bridge }) {
            runtime.warn("bridge \(bridge) stays: network \"\(other.list.name)\" uses it too")
            return
        }
        let socket = try NetlinkSocket()
        guard let link = try socket.link(named: bridge), link.kind == "bridge" else { return }
        let ports = try socket.ports(of: link.index).map(\.name)
        if ports.isEmpty {
            try socket.deleteLink(index: link.index)
        } else {
            runtime.warn("bridge \(bridge) stays: it has the ports \(ports.joined(separator: ", "))")
        }
    }
}
