internal import CNetlink
internal import Glibc
internal import LinuxSystem
public import NetworkAddress
internal import SystemPackage

/// An address of a link (`ip address show`).
public struct InterfaceAddress: Equatable, Sendable {
    public var prefix: IPPrefix
    /// Whether the kernel shall use an IPv6 address at once, without asking the network whether somebody has it.
    public var skipsDuplicateDetection: Bool
    /// Whether the kernel is still asking.
    public var isTentative: Bool
    /// Whether somebody has it, so that it cannot be used.
    public var isDuplicate: Bool

    public init(
        _ prefix: IPPrefix, skipsDuplicateDetection: Bool = false, isTentative: Bool = false, isDuplicate: Bool = false
    ) {
        self.prefix = prefix
        self.skipsDuplicateDetection = skipsDuplicateDetection
        self.isTentative = isTentative
        self.isDuplicate = isDuplicate
    }
}

extension NetlinkSocket {
    public func addresses(of link: Link, _ family: AddressFamily?) throws(NetlinkError) -> [InterfaceAddress] {
        try connection.dump("list the addresses of link \(link.name)") {
            var header = ifaddrmsg()
            header.ifa_family = family?.socketFamily ?? 0
            header.ifa_index = UInt32(bitPattern: link.index)
            return NetlinkMessage(RTM_GETADDR, header)
        } _: {
            InterfaceAddress($0, of: link.index)
        }
    }

    public func add(_ address: InterfaceAddress, to link: Link) throws(NetlinkError) {
        let message = address.message(RTM_NEWADDR, flags: Int32(NLM_F_CREATE | NLM_F_EXCL), link)
        try connection.perform("add address \(address.prefix) to \(link.name)", message)
    }

    @discardableResult
    public func delete(_ address: InterfaceAddress, from link: Link) throws(NetlinkError) -> Bool {
        try delete(
            "delete address \(address.prefix) from \(link.name)", address.message(RTM_DELADDR, link),
            absent: [.addressNotAvailable, .noSuchDevice])
    }
}

extension InterfaceAddress {
    fileprivate func message(_ type: Int, flags: Int32 = 0, _ link: Link) -> NetlinkMessage {
        var header = ifaddrmsg()
        header.ifa_family = prefix.family.socketFamily
        header.ifa_prefixlen = UInt8(prefix.length)
        header.ifa_index = UInt32(bitPattern: link.index)
        let message = NetlinkMessage(type, flags: flags, header)
        message.append(IFA_LOCAL, bytes: prefix.address.bytes)
        message.append(IFA_ADDRESS, bytes: prefix.address.bytes)
        if prefix.family == .ipv4, prefix.length < 31 { message.append(IFA_BROADCAST, bytes: prefix.last.bytes) }
        if skipsDuplicateDetection { message.append(IFA_FLAGS, UInt32(IFA_F_NODAD)) }
        return message
    }

    /// Reads an RTM_NEWADDR message; nil for any other, and for other links where the kernel did not filter.
    fileprivate init?(_ reply: NetlinkReply, of index: Int32) {
        guard reply.type == RTM_NEWADDR, let header = reply.structure(ifaddrmsg.self),
            header.ifa_index == UInt32(bitPattern: index)
        else { return nil }
        let attributes = reply.attributes(after: ifaddrmsg.self)
        guard let bytes = (attributes[IFA_LOCAL] ?? attributes[IFA_ADDRESS])?.bytes,
            let address = IPAddress(bytes: bytes),
            let prefix = IPPrefix(address, length: Int(header.ifa_prefixlen))
        else { return nil }
        let flags = attributes[IFA_FLAGS]?.number() ?? UInt32(header.ifa_flags)
        self.init(
            prefix, skipsDuplicateDetection: flags & UInt32(IFA_F_NODAD) != 0,
            isTentative: flags & UInt32(IFA_F_TENTATIVE) != 0, isDuplicate: flags & UInt32(IFA_F_DADFAILED) != 0)
    }
}

extension AddressFamily {
    /// AF_INET or AF_INET6
    var socketFamily: UInt8 { UInt8(self == .ipv4 ? AF_INET : AF_INET6) }
}
