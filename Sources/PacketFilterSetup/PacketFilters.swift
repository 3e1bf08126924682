public import JSON
public import PacketFilter

/// The packet filter as plugins see it: the backends that there are, and the choice between them.
public protocol PacketFilterAccess {
    /// The same, but all of it asks the kernel by one connection, which goes with the last of it: for one command.
    var connected: any PacketFilterAccess { get }

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
    /// Nil: each time another one.
    private var shared: PacketFilterConnection?

    public init() {}

    public var connected: any PacketFilterAccess {
        var filters = self
        filters.shared = connection
        return filters
    }

    private var connection: PacketFilterConnection { shared ?? PacketFilterConnection() }

    public var all: [any PacketFilterBackend] {
        let connection = connection
        return [NFTables(by: connection), IPTables(by: connection)]
    }

    /// iptables where the host has it, else nftables.
    public func backend(_ name: PacketFilterBackendName?) -> any PacketFilterBackend {
        switch name {
        case .nftables: return NFTables(by: connection)
        case .iptables: return IPTables(by: connection)
        case nil:
            let iptables = IPTables(by: connection)
            return iptables.isInstalled ? iptables : NFTables(by: connection)
        }
    }

    public var spoofChecker: any SpoofChecker { NFTables(by: connection) }
}
