/// A protocol that has ports.
public enum TransportProtocol: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// IPPROTO_TCP and so on: the number in the header of a packet.
    case tcp = 6
    case udp = 17
    case sctp = 132

    /// Reads `tcp`, `udp` or `sctp`, in letters of any case.
    public init?(name: String) {
        let name = name.lowercased()
        guard let found = TransportProtocol.allCases.first(where: { $0.description == name }) else { return nil }
        self = found
    }

    /// The name that rules and configurations use.
    public var description: String {
        switch self {
        case .tcp: "tcp"
        case .udp: "udp"
        case .sctp: "sctp"
        }
    }
}
