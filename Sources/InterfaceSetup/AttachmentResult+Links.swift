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
