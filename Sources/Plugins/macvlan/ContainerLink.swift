internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import Netlink
internal import NetworkAddress
internal import SystemPackage

/// The macvlan link of one attachment.
struct ContainerLink {
    private let request: AttachRequest
    private let configuration: MacvlanConfiguration
    private let parent: Link
    private let parentLink: ParentLink
    /// Of the namespace that the parent is in.
    private let outside: any NetworkStack
    private let sandbox: any NetworkStack

    init(
        _ request: AttachRequest, _ configuration: MacvlanConfiguration, _ parent: Link, outside: any NetworkStack,
        sandbox: any NetworkStack
    ) {
        self.request = request
        self.configuration = configuration
        self.parent = parent
        parentLink = ParentLink(configuration, outside)
        self.outside = outside
        self.sandbox = sandbox
    }

    private var name: String { request.attachment.interfaceName }

    /// Makes it in the sandbox, under its name, with its mode, MTU and hardware address, in one message: there is no
    /// moment at which it is anywhere else, or anything else.
    func make(_ rollback: Rollback) throws -> Link {
        let isPassthru = configuration.mode == .passthru
        let wanted = NewLink(
            name: name, kind: .macvlan(configuration.settings),
            // In mode passthru it is made with its parent's.
            mac: isPassthru ? nil : configuration.mac, mtu: configuration.mtu, parent: parent.index,
            namespace: configuration.linkInContainer ? nil : request.sandbox.namespace)
        do throws(NetlinkError) { _ = try outside.add(wanted) } catch {
            throw parentLink.explained(error, parent)
        }
        rollback.onFailure("delete \(name)") { [sandbox, name] in try sandbox.deleteLink(named: name) }
        guard var link = try sandbox.link(named: name) else {
            throw CNIError(.failed, "\(name), which was just made, is not in the sandbox")
        }
        if isPassthru, let mac = configuration.mac, mac != link.mac {
            // Sets the parent's too, until the link goes.
            try sandbox.change(link, LinkChange(mac: mac))
            link.mac = mac
        }
        return link
    }

    /// Brings it up, as `interface` does that.
    func bringUp(_ link: Link, _ interface: SandboxInterface, _ options: SandboxInterface.Options) throws {
        do {
            try interface.bringUp(options, alias: HostLinkName.alias(request.attachment))
        } catch let error as NetlinkError where [.resourceBusy, .addressInUse].contains(error.errno) {
            throw CNIError(
                .failed, "another link on \(parent.name) has the hardware address \(link.mac?.description ?? "")",
                details: error.description)
        }
    }

    /// Deletes it, where it is there and is this attachment's.
    static func delete(_ attachment: Attachment, _ sandbox: any NetworkStack) throws {
        guard let link = try sandbox.link(named: attachment.interfaceName), link.kind == "macvlan" else { return }
        // An ADD that failed because the name was taken is followed by DEL, which must not take the taker's link.
        if HostLinkName.isAlias(link.alias, ofOtherThan: attachment) { return }
        try sandbox.deleteLink(index: link.index)
    }

    /// Checks that it is what ADD made of it, but for addresses and routes.
    func check(_ described: AttachmentResult.Interface) throws -> Link {
        guard let link = try sandbox.link(named: name) else {
            throw CNIError(.failed, "\(name) is not in the sandbox \(request.sandbox.path)")
        }
        guard link.kind == "macvlan" else {
            throw CNIError(.failed, "\(name) is no macvlan but \(link.kind ?? "a device")")
        }
        guard ParentLink.isParent(parent, of: link, inSameNamespace: configuration.linkInContainer) else {
            throw CNIError(.failed, "\(name) is not on \(parent.name), as the network wants it")
        }
        guard link.macvlan?.mode == configuration.mode else {
            throw CNIError(
                .failed,
                "\(name) has mode \(link.macvlan?.mode?.rawValue ?? "unknown"), the network wants \(configuration.mode.rawValue)"
            )
        }
        try described.check(link)
        // Results before version 1.1.0 do not tell the MTU; a plugin after this one may have lowered it.
        if let wanted = configuration.mtu, wanted < link.mtu {
            throw CNIError(.failed, "\(name) has the MTU \(link.mtu), the network wants at most \(wanted)")
        }
        if let wanted = configuration.bcqueuelen, let found = link.macvlan?.broadcastQueueLength, wanted != found {
            throw CNIError(.failed, "\(name) has the bcqueuelen \(found), the network wants \(wanted)")
        }
        guard link.isUp else { throw CNIError(.failed, "\(name) in the sandbox is down") }
        return link
    }
}
