public import CNI
public import Netlink
internal import NetworkAddress

extension AttachmentResult.Interface {
    /// A link as results describe it.
    public init(_ link: Link, sandbox: String? = nil) {
        self.init(name: link.name, mac: link.mac?.description, mtu: link.mtu, sandbox: sandbox)
    }

    /// Checks that the link is what the result says of it.
    public func check(_ link: Link) throws(CNIError) {
        if let mac, let found = link.mac?.description, mac.lowercased() != found {
            throw CNIError(.failed, "\(name) has the hardware address \(found), the result of ADD says \(mac)")
        }
        if let mtu, mtu != 0, mtu != link.mtu {
            throw CNIError(.failed, "\(name) has the MTU \(link.mtu), the result of ADD says \(mtu)")
        }
    }
}

extension AttachmentResult {
    /// Where the interface of an attachment stands in the result of ADD, which tells what addresses are its own.
    public func position(of attachment: Attachment) throws(CNIError) -> Int {
        let name = attachment.interfaceName
        guard let position = interfaces.firstIndex(where: { $0.name == name && $0.sandbox != nil }) else {
            throw CNIError(.invalidConfiguration, "prevResult.interfaces: expected \(name) with a sandbox, found none")
        }
        return position
    }
}
