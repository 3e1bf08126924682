internal import ArgumentParser
internal import CNI
internal import CNIContainers
internal import JSON
internal import LinuxSystem
internal import Netlink
internal import SystemPackage

/// Looks after one container, from the first thing that is made for it until the last one is gone.
///
/// The record says what is about to be made before it is made: whoever finds it can remove all of it, whatever became of
/// this process.
struct Supervisor {
    let host: ContainerHost
    let plan: ContainerRequest.Plan
    let identifier: String
    let program: String
    let command: [String]
    /// Nil where somebody waits for the command.
    let announcement: BackgroundProcess.Announcement?

    private let signals = HeldSignals()

    init(
        host: ContainerHost, plan: ContainerRequest.Plan, identifier: String, program: String, command: [String],
        announcement: BackgroundProcess.Announcement?
    ) {
        self.host = host
        self.plan = plan
        self.identifier = identifier
        self.program = program
        self.command = command
        self.announcement = announcement
    }

    /// Runs the container to its end; returns its exit status.
    func run(_ settings: Settings, cache: String) throws -> Int32 {
        var record = ContainerRecord(
            id: identifier, command: command, created: Directory.Time.now.milliseconds,
            supervisor: CurrentProcess.identifier, cache: try AttachmentOptions.absolute(cache))
        record.pluginFolders = try settings.pluginFolders.map(AttachmentOptions.absolute)
        let claim = try host.locked { _ in
            var plan = plan
            try plan.settle(among: try host.store.living())
            record.name = plan.name
            record.hostName = plan.hostName ?? ContainerNames.short(identifier)
            record.ports = plan.ports
            record.links = plan.links
            if plan.hasSandbox { record.sandboxPath = try Supervisor.freePath(identifier) }
            return HeldLock(try host.store.create(record))
        }
        do {
            let setting = try claim.sharing { try prepare(&record) }
            let process = try start(setting, &record)
            announcement?.make()
            let (ending, members) = wait(for: process)
            claim.sharing { finish(members: members) }
            return Passthrough.status(ending)
        } catch {
            claim.sharing { finish(members: nil) }
            throw error
        }
    }

    /// Makes the sandbox and attaches it; returns where the command is to run.
    private func prepare(_ record: inout ContainerRecord) throws -> ContainedProcess.Setting {
        var setting = ContainedProcess.Setting(hostName: record.sandboxPath == nil ? plan.hostName : record.hostName)
        setting.isSilent = announcement != nil
        if let path = record.sandboxPath {
            setting.network = try Supervisor.sandbox(path)
            var dns: [AttachmentResult.DNS] = []
            for wanted in plan.attachments {
                try stopIfAsked()
                let (attachment, servers) = try attach(wanted, of: record)
                record.attachments.append(attachment)
                dns.append(servers)
            }
            try stopIfAsked()
            try host.store.overwrite(ContainerStore.hosts, of: identifier, "")
            setting.files = [(host.store.path(of: ContainerStore.hosts, identifier), "/etc/hosts")]
            if let text = ResolverFile.text(dns) {
                try host.store.overwrite(ContainerStore.resolver, of: identifier, text)
                setting.files.append((host.store.path(of: ContainerStore.resolver, identifier), "/etc/resolv.conf"))
            }
        }
        return setting
    }

    /// Attaches the container to a network that its record names from before that; no more where that fails, as everything
    /// is taken back then.
    private func attach(
        _ wanted: ContainerAttachment, of record: ContainerRecord
    ) throws -> (attachment: ContainerAttachment, dns: AttachmentResult.DNS) {
        var written = record
        written.attachments.append(wanted)
        try host.store.write(written)
        do {
            return try host.attach(wanted, of: record)
        } catch {
            try host.store.write(record)
            throw error
        }
    }

    /// Tells everybody about the container, and starts its command.
    private func start(
        _ setting: ContainedProcess.Setting, _ record: inout ContainerRecord
    ) throws -> ContainedProcess {
        try host.locked { _ in
            try host.store.write(record)
            try host.store.refreshHosts()
            let process = try launch(setting)
            record.state = .running
            record.process = process.identifier
            try host.store.write(record)
            return process
        }
    }

    /// Where the sandbox is to be, which the record claims from now on.
    private static func freePath(_ identifier: String) throws -> String {
        let path = "/run/netns/cnitool-\(ContainerNames.short(identifier))"
        if Files.exists(path) { throw Failure("\(path) is there already: try again") }
        return path
    }

    /// `ip netns add` and `ip link set lo up`
    private static func sandbox(_ path: String) throws -> NetworkNamespace {
        do {
            try NetworkNamespace.make(at: path)
            let sandbox = try NetworkNamespace(path: path)
            let socket = try NetlinkSocket.inside(sandbox)
            if let link = try socket.link(named: "lo") { try socket.change(link, LinkChange(isUp: true)) }
            return sandbox
        } catch {
            throw Failure("cannot make the sandbox \(path): \(error)")
        }
    }

    private func launch(_ setting: ContainedProcess.Setting) throws -> ContainedProcess {
        do throws(ContainedProcess.Failure) {
            return try ContainedProcess(
                path: program, arguments: command, environment: .current, in: setting, signals: signals)
        } catch {
            if error.step != nil { throw error }
            StandardStreams.writeError("Error: \(program) cannot be executed: \(error.errno)\n")
            throw ExitCode(error.errno == .noSuchFileOrDirectory ? 127 : 126)
        }
    }

    /// Nothing more is made once somebody wants the container to end.
    private func stopIfAsked() throws {
        if let signal = signals.pending { throw ExitCode(128 + signal) }
    }

    /// Passes signals on until the command ends; returns how it did, and the mounts by which those are found that it left.
    private func wait(for process: ContainedProcess) -> (ending: ChildProcess.Ending, members: PinnedNamespace?) {
        let members = PinnedNamespace(.mount, of: process.identifier)
        while !process.hasEnded {
            let signal = signals.next()
            if signal.isForChild { process.send(signal.number) }
        }
        // The process keeps its number until nobody can find it in the record any more.
        let lock = try? host.store.lock()
        if var record = try? host.store.record(of: identifier) {
            record.state = .ending
            record.process = nil
            try? host.store.write(record)
        }
        _ = consume lock
        return (process.finish(), members)
    }

    /// Removes everything; what cannot be removed now is left to the next command.
    private func finish(members: PinnedNamespace?) {
        do {
            if let record = try host.store.record(of: identifier) { try host.tearDown(record, members: members) }
            let lock = try host.store.lock()
            try host.store.remove(identifier)
            try host.store.refreshHosts()
            _ = consume lock
        } catch {
            host.warn(
                "not everything of container \(ContainerNames.short(identifier)) could be removed, "
                    + "the next command tries again: \(error)")
        }
    }
}
