public import PacketFilter
public import PacketFilterSetup

/// Two backends in memory; nftables is what suits the host.
public final class FakePacketFilters: PacketFilterAccess {
    public let nftables: FakePacketFilter
    public let iptables: FakePacketFilter
    /// Which were asked for, in order; nil where the choice was left to the host.
    public private(set) var chosen: [PacketFilterBackendName?] = []

    public init(_ log: CallLog) {
        nftables = FakePacketFilter(log, name: "nftables")
        iptables = FakePacketFilter(log, name: "iptables")
    }

    public var connected: any PacketFilterAccess { self }
    public var all: [any PacketFilterBackend] { [nftables, iptables] }
    public var spoofChecker: any SpoofChecker { nftables }

    public func backend(_ name: PacketFilterBackendName?) -> any PacketFilterBackend {
        chosen.append(name)
        return name == .iptables ? iptables : nftables
    }
}
