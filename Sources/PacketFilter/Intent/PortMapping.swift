public import NetworkAddress

/// One published port, or a range of them: what arrives at the host goes to the container.
public struct PortMapping: Hashable, Sendable {
    public let transport: TransportProtocol
    /// The address of the host that it is published on; nil: every address that the host has, of both families.
    /// An unspecified one (0.0.0.0, ::) stands for every address of its family.
    public let hostAddress: IPAddress?
    /// From 1 to 65535.
    public let hostPorts: ClosedRange<UInt16>
    /// The port of the container for the first of ``hostPorts``. For more than one they are the same ports.
    public let containerPort: UInt16

    public init(
        _ transport: TransportProtocol, hostAddress: IPAddress? = nil, hostPorts: ClosedRange<UInt16>,
        containerPort: UInt16
    ) {
        self.transport = transport
        self.hostAddress = hostAddress
        self.hostPorts = hostPorts
        self.containerPort = containerPort
    }

    /// Whether it concerns addresses of that family.
    public func concerns(_ family: AddressFamily) -> Bool { hostAddress == nil || hostAddress?.family == family }

    /// The address of the host to look for in packets; nil where any will do.
    public var specificHostAddress: IPAddress? {
        hostAddress.flatMap { $0.isUnspecified ? nil : $0 }
    }

    /// Whether some packet can be for both: the same protocol, a common port, a common address of the host.
    public func overlaps(_ other: PortMapping) -> Bool {
        guard transport == other.transport, hostPorts.overlaps(other.hostPorts) else { return false }
        guard let one = hostAddress, let another = other.hostAddress else { return true }
        return one.family == another.family && (one == another || one.isUnspecified || another.isUnspecified)
    }
}

extension PortMapping: CustomStringConvertible {
    /// `8080/tcp`, `127.0.0.1:8080/tcp`, `9000-9004/udp`
    public var description: String {
        let ports = hostPorts.count == 1 ? "\(hostPorts.lowerBound)" : "\(hostPorts.lowerBound)-\(hostPorts.upperBound)"
        let address = specificHostAddress.map { ($0.family == .ipv6 ? "[\($0)]" : "\($0)") + ":" } ?? ""
        return "\(address)\(ports)/\(transport)"
    }
}
