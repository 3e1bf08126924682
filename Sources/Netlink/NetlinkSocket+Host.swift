internal import CNetlink
internal import Glibc
internal import LinuxSystem
public import NetworkAddress
internal import SystemPackage

/// What a host has as a whole, for programs that look at all of it.
extension NetlinkSocket {
    /// `ip link show`
    public func links() throws(NetlinkError) -> [Link] {
        try connection.dump("list links") {
            let message = NetlinkMessage(RTM_GETLINK, ifinfomsg())
            message.append(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
            return message
        } _: {
            Link($0)
        }
    }

    /// `ip address show`: every address with its prefix length, and the index of its link.
    public func addresses() throws(NetlinkError) -> [(link: Int32, prefix: IPPrefix)] {
        try connection.dump("list addresses") {
            NetlinkMessage(RTM_GETADDR, ifaddrmsg())
        } _: { reply in
            guard reply.type == RTM_NEWADDR, let header = reply.structure(ifaddrmsg.self) else { return nil }
            let attributes = reply.attributes(after: ifaddrmsg.self)
            guard
                let address = (attributes[IFA_LOCAL] ?? attributes[IFA_ADDRESS]).flatMap({ IPAddress(bytes: $0.bytes) }
                ),
                let prefix = IPPrefix(address, length: Int(header.ifa_prefixlen))
            else { return nil }
            return (Int32(bitPattern: header.ifa_index), prefix)
        }
    }
}
