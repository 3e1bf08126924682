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
    private let host: ContainerHost
    private let request: Request
    private let plan: ContainerRequest.Plan
    private let record: ContainerRecord
    private let signals: HeldSignals
    /// Tells that the container is looked after.
    private let claim: HeldLock

    /// What is to run, and how.
    struct Request {
        let identifier: String
        /// The path of the program.
        let program: String
        let command: [String]
        /// The folder of the result cache.
        let cache: String
        /// Nil where somebody waits for the command.
        let announcement: BackgroundProcess.Announcement?
    }

    /// Writes the container's record, once its names and ports are known to be free. Signals wait from now on.
    init(_ request: Request, _ plan: ContainerRequest.Plan, _ settings: Settings) throws {
        let host = ContainerHost(settings)
        var record = ContainerRecord(
            id: request.identifier, command: request.command, created: Directory.Time.now.milliseconds,
            supervisor: CurrentProcess.identifier, cache: try AttachmentOptions.absolute(request.cache))
        record.pluginFolders = try settings.pluginFolders.map(AttachmentOptions.absolute)
        record.name = plan.name
        record.hostName = plan.hostName ?? ContainerNames.short(request.identifier)
        (claim, signals, self.plan, self.record) = try host.locked { _ in
            var plan = plan
            try plan.settle(among: try host.store.living(), isInUse: \.isInUse)
            record.ports = plan.ports
            record.links = plan.links
            if plan.hasSandbox { record.sandboxPath = try Supervisor.freePath(request.identifier) }
            let signals = HeldSignals()
            do throws(Errno) {
                return (HeldLock(try host.store.create(record)), signals, plan, record)
            } catch {
                throw Failure("cannot write into \(host.store.path)", error)
            }
        }
        self.host = host
        self.request = request
    }

    /// Runs the container to its end; returns its exit status.
    func run() throws -> Int32 {
        do {
            var record = record
            let setting = try claim.sharing { try prepare(&record) }
            let process = try start(setting, &record)
            request.announcement?.make()
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
        setting.isSilent = request.announcement != nil
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
            try host.store.overwrite(ContainerStore.hosts, of: record.id, "")
            setting.files = [(host.store.path(of: ContainerStore.hosts, record.id), "/etc/hosts")]
            if let text = ResolverFile.text(dns) {
                try host.store.overwrite(ContainerStore.resolver, of: record.id, text)
                setting.files.append((host.store.path(of: ContainerStore.resolver, record.id), "/etc/resolv.conf"))
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
        let path = ContainerHost.sandboxPath(identifier)
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
                path: request.program, arguments: request.command, in: setting, signals: signals)
        } catch {
            if error.step != nil { throw error }
            StandardStreams.writeError("Error: \(request.program) cannot be executed: \(error.errno)\n")
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
        if var latest = try? host.store.record(of: record.id) {
            latest.state = .ending
            latest.process = nil
            try? host.store.write(latest)
        }
        _ = consume lock
        return (process.finish(), members)
    }

    /// Removes everything; what cannot be removed now is left to the next command.
    private func finish(members: PinnedNamespace?) {
        do {
            if let latest = try host.store.record(of: record.id) { try host.tearDown(latest, members: members) }
            let lock = try host.store.lock()
            try host.store.remove(record.id)
            try host.store.refreshHosts()
            _ = consume lock
        } catch {
            host.warnOfRemains(record.id, error)
        }
    }
}
