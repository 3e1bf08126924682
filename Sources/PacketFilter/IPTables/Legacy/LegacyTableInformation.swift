/// What the kernel says of a table beside its entries (struct ipt_getinfo).
public struct LegacyTableInformation: Equatable, Sendable {
    static let size = 84
    static let hookCount = 5

    /// Bit n: the table has a chain for hook n (NF_INET_PRE_ROUTING and so on).
    var validHooks: UInt32
    /// For each hook the offset of its chain's first entry.
    var hookEntries: [UInt32]
    /// For each hook the offset of the entry that holds its chain's policy.
    var underflows: [UInt32]
    var entryCount: UInt32
    /// Of all entries, in bytes.
    var size: UInt32

    init(validHooks: UInt32) {
        self.validHooks = validHooks
        hookEntries = Array(repeating: 0, count: LegacyTableInformation.hookCount)
        underflows = hookEntries
        entryCount = 0
        size = 0
    }

    /// From the 84 bytes of the structure.
    public init(_ bytes: [UInt8]) {
        precondition(bytes.count == LegacyTableInformation.size)
        validHooks = bytes.load(32)
        hookEntries = (0..<LegacyTableInformation.hookCount).map { bytes.load(36 + 4 * $0) }
        underflows = (0..<LegacyTableInformation.hookCount).map { bytes.load(56 + 4 * $0) }
        entryCount = bytes.load(76)
        size = bytes.load(80)
    }

    func hasHook(_ hook: Int) -> Bool { validHooks & 1 << UInt32(hook) != 0 }

    /// The names of the chains at the hooks.
    static let chainNames = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]
}
