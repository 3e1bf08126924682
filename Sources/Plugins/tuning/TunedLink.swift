internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import Netlink
internal import NetworkAddress

/// The interface of a container that a configuration is about.
struct TunedLink {
    private let attachment: Attachment
    private let stack: any NetworkStack
    private let link: Link
    /// What it has now.
    private let present: LinkSettings

    /// Looks the interface up in the sandbox.
    init(_ attachment: Attachment, in sandbox: Sandbox, kernel: any KernelAccess) throws {
        guard let found = try TunedLink.find(attachment, in: sandbox, kernel: kernel) else {
            throw CNIError(.failed, "\(attachment.interfaceName) is not in the sandbox \(sandbox.path)")
        }
        self = found
    }

    private init(_ attachment: Attachment, _ link: Link, _ stack: any NetworkStack) {
        self.attachment = attachment
        self.stack = stack
        self.link = link
        present = LinkSettings(link)
    }

    /// As ``init(_:in:kernel:)``; nil where the interface is gone.
    static func find(_ attachment: Attachment, in sandbox: Sandbox, kernel: any KernelAccess) throws -> TunedLink? {
        let stack = try kernel.stack(in: sandbox)
        return try stack.link(named: attachment.interfaceName).map { TunedLink(attachment, $0, stack) }
    }

    /// Gives the interface what is wanted, after writing down what it had.
    ///
    /// - Parameter found: the backup that an ADD before this one left.
    func change(
        to wanted: LinkSettings, backups: LinkBackups, after found: LinkBackup?, _ rollback: Rollback
    ) throws {
        if wanted.mac != nil && present.mac == nil {
            throw CNIError(.failed, "\(link.name) has no hardware address that could be set")
        }
        let before = present.only(wanted.keys)
        var backup = found ?? LinkBackup()
        backup.add(before)
        backup.name(attachment)
        let change = wanted.missing(in: present)
        var isBegun = false
        rollback.onFailure("set \(link.name) back") {
            // The kernel may have done half of a change that it refused.
            if isBegun { try set(before.only(change.keys)) }
            if let found { try backups.save(found, of: attachment) } else { try backups.remove(attachment) }
        }
        try backups.save(backup, of: attachment)
        if change.keys.isEmpty { return }
        isBegun = true
        try stack.change(link, change.change)
    }

    /// Gives the interface back what it had.
    func restore(_ settings: LinkSettings) throws { try set(settings.missing(in: present)) }

    /// Sets all in one message; where the kernel refuses that, each alone, so that none keeps the others from being set.
    private func set(_ settings: LinkSettings) throws {
        if settings.keys.isEmpty { return }
        do throws(NetlinkError) { try stack.change(link, settings.change) } catch {
            var teardown = Teardown()
            for key in settings.keys { teardown.step { try stack.change(link, settings.only([key]).change) } }
            try teardown.finish()
        }
    }

    /// Checks that the interface has what is wanted.
    func check(_ wanted: LinkSettings) throws(CNIError) {
        guard let key = wanted.missing(in: present).keys.first else { return }
        throw CNIError(
            .failed, "\(link.name) has \(present.description(key)), the network wants \(wanted.description(key))")
    }
}

extension LinkSettings {
    /// One setting, for messages.
    fileprivate func description(_ key: Key) -> String {
        switch key {
        case .mac: "the hardware address \(mac?.description ?? "none")"
        case .mtu: "the MTU \(mtu ?? 0)"
        case .promisc: "promisc \(promisc == true ? "on" : "off")"
        case .allmulti: "allmulti \(allmulti == true ? "on" : "off")"
        case .txQLen: "txQLen \(txQLen ?? 0)"
        }
    }
}
