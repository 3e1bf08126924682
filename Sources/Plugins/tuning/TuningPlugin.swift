internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import LinuxSystem
internal import Netlink
internal import NetworkAddress

/// Changes kernel parameters of a container, and of its interface what every link has.
///
/// A chained plugin: the plugins before it have made the interface, and their result is handed on with what is new.
@main
struct TuningPlugin: Plugin {
    static let summary = "tuning: sets kernel parameters of a container, and what its interface is like"

    var kernel: any KernelAccess = Kernel()
    /// The file that says which kernel parameters may be set.
    var allowListPath = "/etc/cni/tuning/allowlist.conf"

    func add(_ request: AttachRequest) throws -> AttachmentResult {
        let name = request.attachment.interfaceName
        let configuration = try TuningConfiguration(request.configuration, request.arguments, interfaceName: name)
        let result = try request.configuration.requiredPrevResult(of: "the plugins before this one")
        if !configuration.sysctls.isEmpty {
            let list = try SysctlAllowList(allowListPath)
            for wanted in configuration.sysctls { try list.check(wanted, interfaceName: name) }
        }
        // All that can be found out is found out before anything is changed.
        let sysctls = SandboxSysctls(configuration.sysctls, in: request.sandbox, kernel: kernel)
        let values = try sysctls.values()
        let backups = LinkBackups(in: configuration.dataDirectory)
        let isLinkChanged = !configuration.link.keys.isEmpty
        let backup = isLinkChanged ? try backups.usable(request.attachment) : nil
        let link = isLinkChanged ? try TunedLink(request.attachment, in: request.sandbox, kernel: kernel) : nil
        return try Rollback.guarding { rollback in
            try sysctls.write(over: values, rollback)
            try link?.change(to: configuration.link, backups: backups, after: backup, rollback)
            return result.changed(configuration.link, of: name)
        }
    }

    func check(_ request: AttachRequest) throws {
        let name = request.attachment.interfaceName
        let configuration = try TuningConfiguration(request.configuration, request.arguments, interfaceName: name)
        _ = try request.configuration.requiredPrevResult()
        try SandboxSysctls(configuration.sysctls, in: request.sandbox, kernel: kernel).check()
        if configuration.link.keys.isEmpty { return }
        try TunedLink(request.attachment, in: request.sandbox, kernel: kernel).check(configuration.link)
    }

    /// Gives the interface back what it had, for whoever has it next; kernel parameters go with the container.
    func delete(_ request: DetachRequest) throws {
        // In a folder that ADD refused there is nothing.
        guard let folder = try? TuningConfiguration.dataDirectory(request.configuration) else { return }
        let backups = LinkBackups(in: folder)
        var teardown = Teardown()
        var backup: LinkBackup?
        var isDone = true
        teardown.step { backup = try backups.find(request.attachment) }
        if let backup, backup.isOfOther(than: request.attachment) { return }
        if let backup, let sandbox = request.sandbox {
            var settings = LinkSettings()
            // What the file says of one thing need not make sense for the rest to be restored.
            for key in LinkSettings.Key.allCases {
                teardown.step { try settings.read(key, rememberedIn: backup.document) }
            }
            teardown.step {
                isDone = false
                try TunedLink.find(request.attachment, in: sandbox, kernel: kernel)?.restore(settings)
                isDone = true
            }
        }
        // One that could not be restored is kept for the next attempt, one that cannot be read is of no use to any.
        if isDone { teardown.step { try backups.remove(request.attachment) } }
        try teardown.finish()
    }

    func status(_ request: NetworkRequest) throws {
        _ = try TuningConfiguration(request.configuration, .none, interfaceName: "IFNAME")
        do throws(CNIError) { _ = try SysctlAllowList(allowListPath) } catch {
            throw CNIError(.notAvailable, error.message, details: error.details)
        }
    }

    func collectGarbage(_ request: NetworkRequest, living: Set<Attachment>) throws {
        try LinkBackups(in: try TuningConfiguration.dataDirectory(request.configuration))
            .collectGarbage(of: request.configuration.network, living: living)
    }
}

extension AttachmentResult {
    /// The result with what has changed of the interface with that name in the container.
    fileprivate func changed(_ settings: LinkSettings, of name: String) -> AttachmentResult {
        var result = self
        for position in interfaces.indices where interfaces[position].name == name {
            if interfaces[position].sandbox?.isEmpty ?? true { continue }
            if let mac = settings.mac { result.interfaces[position].mac = mac.description }
            if let mtu = settings.mtu { result.interfaces[position].mtu = mtu }
        }
        return result
    }
}
