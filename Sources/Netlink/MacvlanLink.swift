internal import CNetlink

/// What only a macvlan has (`ip link add NAME link PARENT type macvlan mode …`).
public struct MacvlanSettings: Equatable, Sendable {
    /// Whom the macvlans of one parent reach.
    public enum Mode: String, CaseIterable, Sendable {
        /// The network beyond the parent, but no other macvlan.
        case `private`
        /// The same, and each other where a switch beyond the parent sends frames back.
        case vepa
        /// The network, and each other without a detour.
        case bridge
        /// The parent is this one's alone, which has the parent's hardware address.
        case passthru

        /// MACVLAN_MODE_*
        fileprivate var number: UInt32 {
            switch self {
            case .private: UInt32(MACVLAN_MODE_PRIVATE.rawValue)
            case .vepa: UInt32(MACVLAN_MODE_VEPA.rawValue)
            case .bridge: UInt32(MACVLAN_MODE_BRIDGE.rawValue)
            case .passthru: UInt32(MACVLAN_MODE_PASSTHRU.rawValue)
            }
        }
    }

    /// Nil: one that is not known here.
    public var mode: Mode?
    /// How many broadcasts may wait to be copied (IFLA_MACVLAN_BC_QUEUE_LEN, Linux 5.11). Nil: the kernel's default.
    public var broadcastQueueLength: UInt32?

    public init(mode: Mode?, broadcastQueueLength: UInt32? = nil) {
        self.mode = mode
        self.broadcastQueueLength = broadcastQueueLength
    }

    func append(to message: borrowing NetlinkMessage) {
        if let mode { message.append(IFLA_MACVLAN_MODE, mode.number) }
        if let broadcastQueueLength { message.append(IFLA_MACVLAN_BC_QUEUE_LEN, broadcastQueueLength) }
    }

    init(_ data: Attributes) {
        let number: UInt32? = data[IFLA_MACVLAN_MODE]?.number()
        mode = Mode.allCases.first { $0.number == number }
        broadcastQueueLength = data[IFLA_MACVLAN_BC_QUEUE_LEN]?.number()
    }
}
