internal import CNetlink
public import LinuxSystem
public import NetworkAddress

/// The far end of a veth pair (`ip link add NAME type veth peer name PEER netns …`).
public struct VethPeer: Equatable, Sendable {
    public var name: String
    /// Nil: the kernel chooses.
    public var mac: MACAddress?
    /// In bytes; nil: the kernel's default.
    public var mtu: UInt32?
    /// Where to put it; nil: beside the near end.
    public var namespace: NetworkNamespace?

    public init(name: String, mac: MACAddress? = nil, mtu: UInt32? = nil, namespace: NetworkNamespace? = nil) {
        self.name = name
        self.mac = mac
        self.mtu = mtu
        self.namespace = namespace
    }

    public static func == (one: VethPeer, other: VethPeer) -> Bool {
        one.name == other.name && one.mac == other.mac && one.mtu == other.mtu && one.namespace === other.namespace
    }

    /// The peer is a link message of its own inside VETH_INFO_PEER, so both ends are made, named and placed at once.
    func append(to message: borrowing NetlinkMessage) {
        message.nest(VETH_INFO_PEER) { message in
            message.append(inline: ifinfomsg())
            message.append(IFLA_IFNAME, text: name)
            if let mac { message.append(IFLA_ADDRESS, bytes: mac.bytes) }
            if let mtu { message.append(IFLA_MTU, mtu) }
            if let namespace { message.append(IFLA_NET_NS_FD, namespace.number) }
        }
    }
}
