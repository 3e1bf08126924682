public import JSON
public import PacketFilter

/// The packet filter as plugins see it: the backends that there are, and the choice between them.
public protocol PacketFilterAccess {
    /// All backends: what one of them made must be found whatever the configuration says by now.
    var all: [any PacketFilterBackend] { get }

    /// The backend of that name; where none is named, the one that suits the host.
    func backend(_ name: PacketFilterBackendName?) -> any PacketFilterBackend

    /// What keeps containers from using the addresses of others.
    var spoofChecker: any SpoofChecker { get }
}

/// The names of backends in configurations.
public enum PacketFilterBackendName: String, Sendable, CaseIterable {
    case iptables
    case nftables
}

extension JSONField {
    /// The backend here; nil where the choice is left to the host.
    public func packetFilterBackend() throws(JSONError) -> PacketFilterBackendName? {
        try text("\"iptables\" or \"nftables\"", PacketFilterBackendName.init(rawValue:))
    }
}

/// The packet filter of the kernel that the process runs on.
public struct PacketFilters: PacketFilterAccess {
    public init() {}

    public var all: [any PacketFilterBackend] { [NFTables(), IPTables()] }

    /// iptables where the host has it, else nftables.
    public func backend(_ name: PacketFilterBackendName?) -> any PacketFilterBackend {
        switch name {
        case .nftables: return NFTables()
        case .iptables: return IPTables()
        case nil:
            let iptables = IPTables()
            return iptables.isInstalled ? iptables : NFTables()
        }
    }

    public var spoofChecker: any SpoofChecker { NFTables() }
}
