internal import CNI
internal import CNIContainers
internal import CNINetworks
internal import CNIRuntime
internal import JSON
internal import LinuxSystem
internal import NetworkAddress
internal import SystemPackage

/// What commands share that make, change and remove containers.
struct ContainerHost {
    let store: ContainerStore
    /// For CNI_ARGS; nil where there are none.
    private let arguments: CNIArguments?
    private let pluginFolders: [String]
    let warn: (String) -> Void

    init(_ settings: Settings, warn: @escaping (String) -> Void = { StandardStreams.writeError("warning: \($0)\n") }) {
        store = ContainerStore(settings.state)
        arguments = settings.arguments
        pluginFolders = settings.pluginFolders
        self.warn = warn
    }

    /// Runs `body` while nobody else changes anything, after what dead containers left has been removed.
    func locked<Value>(_ body: (HeldLock) throws -> Value) throws -> Value {
        let lock: HeldLock
        do throws(Errno) {
            lock = HeldLock(try store.lock())
        } catch {
            throw Failure(store.path, error)
        }
        return try withExtendedLifetime(lock) {
            try lock.sharing(removeDead)
            return try body(lock)
        }
    }

    /// Removes what dead containers left, where there are any and this user may. Nothing of that keeps a command from its
    /// own work.
    static func clean(_ settings: Settings) {
        let host = ContainerHost(settings)
        guard host.store.exists else { return }
        do { try host.locked { _ in } } catch { host.warn("cannot look for what dead containers left: \(error)") }
    }

    /// Removes containers whose supervisor is gone, and what was left unfinished of others; the lock is held.
    private func removeDead() throws {
        for identifier in try store.identifiers() {
            do {
                guard let claim = try claim(identifier) else { continue }
                if let record = try remnant(identifier) { try tearDown(record) }
                try store.remove(identifier)
                try store.refreshHosts()
                _ = consume claim
            } catch {
                warnOfRemains(identifier, error)
            }
        }
    }

    /// What a dead container's record says; where it cannot be read, what every container may have.
    private func remnant(_ identifier: String) throws -> ContainerRecord? {
        do {
            return try store.record(of: identifier)
        } catch let error as JSONError {
            warn(
                "the record of container \(ContainerNames.short(identifier)) is damaged (\(error)): its sandbox is removed, "
                    + "and \"cnitool gc\" removes what its networks have of it")
            return ContainerRecord(id: identifier, sandboxPath: ContainerHost.sandboxPath(identifier))
        }
    }

    /// Where the sandbox of a container is.
    static func sandboxPath(_ identifier: String) -> String { "/run/netns/cnitool-\(ContainerNames.short(identifier))" }

    /// Says that something of a container is still there.
    func warnOfRemains(_ identifier: String, _ error: any Error) {
        warn(
            "not everything of container \(ContainerNames.short(identifier)) could be removed, "
                + "the next command tries again: \(error)")
    }

    /// Takes over a container that nobody looks after any more; nil where somebody does, after what was left unfinished there
    /// has been removed.
    private func claim(_ identifier: String) throws -> FileLock? {
        if let claim = try store.claim(identifier) { return claim }
        guard let record = try? store.record(of: identifier) else { return nil }
        if ProcessHandle.hasEnded(record.supervisor) { return try store.claimOrphan(identifier) }
        try removeUnfinished(record)
        return nil
    }

    /// Detaches a living container from a network that it was being connected to by somebody who died over it; the lock,
    /// which that one had, is held.
    private func removeUnfinished(_ record: ContainerRecord) throws {
        guard record.state == .running, record.attachments.contains(where: { !$0.isComplete }) else { return }
        var record = record
        for attachment in record.attachments where !attachment.isComplete { try detach(attachment, of: record) }
        record.attachments.removeAll { !$0.isComplete }
        try store.write(record)
        try store.refreshHosts()
    }

    /// Removes what was made for a container, whether all of it, some or nothing is there. Everything is tried, and one
    /// error lists all failures.
    func tearDown(_ record: ContainerRecord, members: PinnedNamespace? = nil) throws {
        var failures: [String] = []
        func attempt(_ body: () throws -> Void) {
            do { try body() } catch { failures.append("\(error)") }
        }
        attempt { try endProcesses(record, members) }
        for attachment in record.attachments.reversed() { attempt { try detach(attachment, of: record) } }
        if let path = record.sandboxPath {
            attempt {
                do { try NetworkNamespace.remove(at: path) } catch { throw Failure("cannot remove \(path): \(error)") }
            }
        }
        if !failures.isEmpty { throw Failure(failures.joined(separator: "; ")) }
    }

    /// Ends what still lives in the container.
    private func endProcesses(_ record: ContainerRecord, _ members: PinnedNamespace?) throws {
        let network = record.sandboxPath.flatMap { PinnedNamespace(.network, path: $0) }
        for namespace in [network, members].compactMap({ $0 }) where try !namespace.endMembers() {
            throw Failure("processes in container \(record.title) start others faster than they can be ended")
        }
    }

    /// Runs DEL with what the network was when the container was attached.
    func detach(_ attachment: ContainerAttachment, of record: ContainerRecord) throws {
        let list = try NetworkConfigurationList(JSONField(.object(attachment.configuration)))
        try runtime(of: record).delete(parameters(attachment, of: record), from: list)
    }

    /// Plugins are those with which the container was made; what is missing there may have come elsewhere since.
    private func runtime(of record: ContainerRecord) -> Runtime {
        let more = pluginFolders.filter { !record.pluginFolders.contains($0) }
        return Runtime(pluginFolders: record.pluginFolders + more, cache: ResultCache(record.cache), warn: warn)
    }

    private func parameters(_ attachment: ContainerAttachment, of record: ContainerRecord) -> AttachmentParameters {
        AttachmentParameters(
            containerID: record.id, sandboxPath: record.sandboxPath ?? "", interfaceName: attachment.interfaceName,
            capabilityArguments: attachment.capabilityArguments)
    }

    /// Runs ADD; returns the attachment with its addresses, and the network's name servers.
    func attach(
        _ attachment: ContainerAttachment, of record: ContainerRecord
    ) throws -> (attachment: ContainerAttachment, dns: AttachmentResult.DNS) {
        let list = try NetworkConfigurationList(JSONField(.object(attachment.configuration)))
        var parameters = parameters(attachment, of: record)
        parameters.arguments = arguments
        let result = try runtime(of: record).add(parameters, to: list).value
        var attachment = attachment
        attachment.isComplete = true
        attachment.addresses = result.prefixes(of: attachment.interfaceName).map(\.address)
        return (attachment, result.dns)
    }

    /// The containers that live, by id; none where this user may not know. The lock is free.
    var containers: [String: ContainerRecord] {
        guard store.exists, let living = try? locked({ _ in try store.living() }) else { return [:] }
        return Dictionary(living.map { ($0.id, $0) }) { $1 }
    }

    /// The attachments to a network that live: those of the result cache, and all of containers, finished or not and
    /// whatever cache they are in. The lock is free.
    func livingAttachments(of network: String, _ runtime: Runtime) throws(RuntimeError) -> [Attachment] {
        let cached = try runtime.livingAttachments(of: network)
        let own = containers.values.flatMap { record in
            record.attachments.filter { $0.network == network }.map {
                Attachment(network: network, containerID: record.id, interfaceName: $0.interfaceName)
            }
        }
        return cached + own.filter { !cached.contains($0) }
    }

    /// Detaches every container from a network; those that are ending do so by themselves.
    func detachAll(from network: String) throws {
        guard store.exists else { return }
        try locked { lock in
            for var record in try store.living() where record.attachments.contains(where: { $0.network == network }) {
                if record.state == .starting { throw record.refusal }
                if record.state == .running { try disconnect(&record, from: network, lock) }
            }
        }
    }

    /// Detaches a container that lives from a network that it is on, and tells everybody; the lock is held.
    ///
    /// - Parameter force: whether the attachment is forgotten even where the plugins fail.
    func disconnect(
        _ record: inout ContainerRecord, from network: String, _ lock: HeldLock, force: Bool = false
    ) throws {
        for index in record.attachments.indices where record.attachments[index].network == network {
            // Whoever comes after this process was killed goes on with it.
            record.attachments[index].isComplete = false
            try store.write(record)
            do {
                try lock.sharing { try detach(record.attachments[index], of: record) }
            } catch {
                guard force else {
                    record.attachments[index].isComplete = true
                    try store.write(record)
                    throw error
                }
                warn("\(error)")
            }
        }
        record.attachments.removeAll { $0.network == network }
        try store.write(record)
        try store.refreshHosts()
    }

    /// The one container that is meant; the lock is held.
    func container(_ text: String) throws -> ContainerRecord {
        try ContainerNames.find(text, in: try store.living())
    }
}
