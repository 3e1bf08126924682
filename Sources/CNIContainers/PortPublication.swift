public import JSON
public import NetworkAddress

/// Ports of the host that lead to ports of a container, as `-p` asks for them.
public struct PortPublication: Equatable, Sendable {
    /// What the ports are of.
    public enum Transport: String, CaseIterable, Sendable {
        case tcp
        case udp
        case sctp
    }

    /// Nil: every address of the host.
    public let hostAddress: IPAddress?
    /// Zero while nobody has chosen one: see ``ContainerRequest/Plan/settle(among:isInUse:)``.
    public internal(set) var hostPort: UInt16
    public let containerPort: UInt16
    public let transport: Transport

    init(hostAddress: IPAddress?, hostPort: UInt16, containerPort: UInt16, transport: Transport) {
        self.hostAddress = hostAddress
        self.hostPort = hostPort
        self.containerPort = containerPort
        self.transport = transport
    }

    /// Whether both cannot be there at the same time.
    func collides(with other: PortPublication) -> Bool {
        guard hostPort > 0, hostPort == other.hostPort, transport == other.transport else { return false }
        guard let mine = hostAddress, let theirs = other.hostAddress else { return true }
        return mine.family == theirs.family && (mine == theirs || mine.isUnspecified || theirs.isUnspecified)
    }

    /// The element of `portMappings` (CONVENTIONS.md of CNI).
    public var json: JSONValue {
        var object: JSONObject = [
            "hostPort": .integer(Int64(hostPort)), "containerPort": .integer(Int64(containerPort)),
            "protocol": .string(transport.rawValue),
        ]
        if let hostAddress { object["hostIP"] = .string("\(hostAddress)") }
        return .object(object)
    }

    init(_ field: JSONField) throws(JSONError) {
        hostAddress = try field["hostIP"].text("an address") { IPAddress($0) }
        hostPort = try field["hostPort"].required("a port") { port throws(JSONError) in try port.integer(in: 1...65535)
        }
        containerPort = try field["containerPort"].required("a port") { port throws(JSONError) in
            try port.integer(in: 1...65535)
        }
        transport = try field["protocol"].text("tcp, udp or sctp") { Transport(rawValue: $0) } ?? .tcp
    }
}
