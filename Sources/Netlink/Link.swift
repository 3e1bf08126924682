public import LinuxSystem
public import NetworkAddress

/// A network interface of the kernel, as `ip -details link show` tells of it.
public struct Link: Equatable, Sendable {
    /// The number by which the kernel knows it in its namespace.
    public var index: Int32
    public var name: String
    /// Nil where the link has no 48-bit hardware address.
    public var mac: MACAddress?
    /// In bytes.
    public var mtu: UInt32
    /// Whether it is administratively up (IFF_UP).
    public var isUp: Bool
    /// Whether it is set to receive everything (IFF_PROMISC).
    public var isPromiscuous: Bool
    /// Whether it is set to receive every multicast (IFF_ALLMULTI).
    public var isAllMulticast: Bool
    /// How many packets may wait to be sent (IFLA_TXQLEN; `ip link show` calls it `qlen`).
    public var transmitQueueLength: UInt32
    /// Whether it can carry packets (operational state up).
    public var isOperational: Bool
    /// The index of the bridge, or other link, that it is a port of.
    public var master: Int32?
    /// The index of the link that it is tied to: a veth's peer, a macvlan's parent.
    public var tiedTo: Int32?
    /// Whether that link is in another namespace.
    public var isTiedElsewhere: Bool
    /// A text that people and programs may attach to a link.
    public var alias: String?
    /// `bridge`, `veth`, …; nil for hardware.
    public var kind: String?
    /// What only a bridge has.
    public var bridge: BridgeSettings?
    /// What only a macvlan has.
    public var macvlan: MacvlanSettings?
    /// What only the port of a bridge has.
    public var port: BridgePort?

    public init(
        index: Int32, name: String, mac: MACAddress? = nil, mtu: UInt32 = 1500, isUp: Bool = false,
        isPromiscuous: Bool = false, isAllMulticast: Bool = false, transmitQueueLength: UInt32 = 1000,
        isOperational: Bool = false, master: Int32? = nil, tiedTo: Int32? = nil, isTiedElsewhere: Bool = false,
        alias: String? = nil, kind: String? = nil, bridge: BridgeSettings? = nil, macvlan: MacvlanSettings? = nil,
        port: BridgePort? = nil
    ) {
        self.index = index
        self.name = name
        self.mac = mac
        self.mtu = mtu
        self.isUp = isUp
        self.isPromiscuous = isPromiscuous
        self.isAllMulticast = isAllMulticast
        self.transmitQueueLength = transmitQueueLength
        self.isOperational = isOperational
        self.master = master
        self.tiedTo = tiedTo
        self.isTiedElsewhere = isTiedElsewhere
        self.alias = alias
        self.kind = kind
        self.bridge = bridge
        self.macvlan = macvlan
        self.port = port
    }
}

/// A link to be made (`ip link add`).
public struct NewLink: Equatable, Sendable {
    /// What kind of link, with what only that kind has.
    public enum Kind: Equatable, Sendable {
        case bridge(BridgeSettings)
        case veth(VethPeer)
        case macvlan(MacvlanSettings)
    }

    public var name: String
    public var kind: Kind
    /// Nil: the kernel chooses.
    public var mac: MACAddress?
    /// In bytes; nil: the kernel's default for the kind.
    public var mtu: UInt32?
    /// The index of the bridge to become a port of.
    public var master: Int32?
    /// The index of the link that a macvlan is on, in the namespace that is asked.
    public var parent: Int32?
    /// Where to put it; nil: where it is made.
    public var namespace: NetworkNamespace?

    public init(
        name: String, kind: Kind, mac: MACAddress? = nil, mtu: UInt32? = nil, master: Int32? = nil,
        parent: Int32? = nil, namespace: NetworkNamespace? = nil
    ) {
        self.name = name
        self.kind = kind
        self.mac = mac
        self.mtu = mtu
        self.master = master
        self.parent = parent
        self.namespace = namespace
    }

    public static func == (one: NewLink, other: NewLink) -> Bool {
        one.name == other.name && one.kind == other.kind && one.mac == other.mac && one.mtu == other.mtu
            && one.master == other.master && one.parent == other.parent && one.namespace === other.namespace
    }
}

/// What to change of a link (`ip link set`); nil leaves a thing as it is.
public struct LinkChange: Equatable, Sendable {
    public var isUp: Bool?
    /// `ip link set … promisc on`
    public var isPromiscuous: Bool?
    /// `ip link set … allmulticast on`
    public var isAllMulticast: Bool?
    /// `ip link set … txqueuelen`, in packets.
    public var transmitQueueLength: UInt32?
    public var mac: MACAddress?
    /// In bytes.
    public var mtu: UInt32?
    public var alias: String?
    public var port: BridgePortChange?

    public init(
        isUp: Bool? = nil, isPromiscuous: Bool? = nil, isAllMulticast: Bool? = nil, transmitQueueLength: UInt32? = nil,
        mac: MACAddress? = nil, mtu: UInt32? = nil, alias: String? = nil, port: BridgePortChange? = nil
    ) {
        self.isUp = isUp
        self.isPromiscuous = isPromiscuous
        self.isAllMulticast = isAllMulticast
        self.transmitQueueLength = transmitQueueLength
        self.mac = mac
        self.mtu = mtu
        self.alias = alias
        self.port = port
    }
}
