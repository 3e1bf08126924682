internal import CNetlink

/// What only a bridge has (`ip link add type bridge`).
public struct BridgeSettings: Equatable, Sendable {
    /// Whether it keeps VLANs apart.
    public var filtersVLANs: Bool
    /// The VLAN that every new port is put in, untagged; nil: none.
    public var defaultVLAN: UInt16?

    public init(filtersVLANs: Bool = false, defaultVLAN: UInt16? = 1) {
        self.filtersVLANs = filtersVLANs
        self.defaultVLAN = defaultVLAN
    }

    /// Nothing is said where nothing is wanted: kernels built without VLAN filtering refuse even a zero.
    func append(to message: borrowing NetlinkMessage) {
        if filtersVLANs { message.append(IFLA_BR_VLAN_FILTERING, UInt8(1)) }
    }

    init(_ data: Attributes) {
        filtersVLANs = data[IFLA_BR_VLAN_FILTERING]?.number(UInt8.self) == 1
        let number: UInt16 = data[IFLA_BR_VLAN_DEFAULT_PVID]?.number() ?? 1
        defaultVLAN = number == 0 ? nil : number
    }
}

/// What only the port of a bridge has (`bridge -details link show`).
public struct BridgePort: Equatable, Sendable {
    /// The state of the spanning tree protocol, which also runs where nobody asked for it.
    public enum State: UInt8, Sendable {
        case disabled = 0
        case listening = 1
        case learning = 2
        case forwarding = 3
        case blocking = 4
    }

    public var state: State
    /// Whether a frame may leave by the port that it came in on.
    public var isHairpin: Bool
    /// Whether it exchanges frames with ports that are not isolated only.
    public var isIsolated: Bool

    public init(state: State = .disabled, isHairpin: Bool = false, isIsolated: Bool = false) {
        self.state = state
        self.isHairpin = isHairpin
        self.isIsolated = isIsolated
    }

    init(_ data: Attributes) {
        state = data[IFLA_BRPORT_STATE]?.number().flatMap(State.init(rawValue:)) ?? .disabled
        isHairpin = data[IFLA_BRPORT_MODE]?.number(UInt8.self) == 1
        isIsolated = data[IFLA_BRPORT_ISOLATED]?.number(UInt8.self) == 1
    }
}

/// What to change of a bridge's port (`bridge link set`); nil leaves a thing as it is.
public struct BridgePortChange: Equatable, Sendable {
    public var isHairpin: Bool?
    public var isIsolated: Bool?

    public init(isHairpin: Bool? = nil, isIsolated: Bool? = nil) {
        self.isHairpin = isHairpin
        self.isIsolated = isIsolated
    }

    func append(to message: borrowing NetlinkMessage) {
        if let isHairpin { message.append(IFLA_BRPORT_MODE, UInt8(isHairpin ? 1 : 0)) }
        if let isIsolated { message.append(IFLA_BRPORT_ISOLATED, UInt8(isIsolated ? 1 : 0)) }
    }
}
