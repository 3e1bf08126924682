/// A transport protocol, by the name that configurations use.
public enum PortProtocol: String, Codable, Sendable, CaseIterable {
    case tcp, udp, sctp
}

/// A question to whoever listens on a port: who are you, and whom do you see?
public struct PortQuestion: Encodable, Sendable, CustomStringConvertible {
    let namespace: String
    public let address: String
    public let port: Int
    public let `protocol`: PortProtocol
    /// Seconds.
    let timeout: Double
    let sourceAddress: String?
    let sourcePort: Int?
    private let place: String

    /// - Parameters:
    ///   - source: the port to ask from; for questions that shall belong to one flow.
    ///   - timeout: seconds; long where there must be an answer, because it is not waited for, else short.
    public init(
        from namespace: LabNamespace, to address: String, _ port: Int, _ protocol: PortProtocol = .tcp,
        sourceAddress: String? = nil, sourcePort: Int? = nil, timeout: Double = 3
    ) {
        self.namespace = namespace.path
        self.address = address
        self.port = port
        self.protocol = `protocol`
        self.timeout = timeout
        self.sourceAddress = sourceAddress
        self.sourcePort = sourcePort
        place = namespace.name
    }

    public var description: String { "\(self.protocol) from \(place) to \(address) port \(port)" }

    private enum CodingKeys: String, CodingKey {
        case namespace, address, port, `protocol`, timeout, sourceAddress, sourcePort
    }
}

/// What came of a ``PortQuestion``.
public struct PortReply: Decodable, Equatable, Sendable, CustomStringConvertible {
    /// Who answered; nil where nobody did.
    public let name: String?
    /// The address and the port at which the server was asked.
    public let address: String?
    public let port: Int?
    /// The address of the asker as the server saw it, and the port.
    public let source: String?
    public let sourcePort: Int?
    /// Why there is no answer.
    public let error: String?

    public var isAnswered: Bool { name != nil }

    public var description: String {
        guard let name, let address, let port, let source else { return error ?? "no answer" }
        return "\(name) at \(address) port \(port), asked by \(source)"
    }
}
