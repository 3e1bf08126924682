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
    public let hostPort: UInt16
    public let containerPort: UInt16
    public let transport: Transport

    private static let form = "[HOSTIP:]HOSTPORT:CONTAINERPORT[/tcp|udp|sctp], such as 8080:80"

    /// Reads `[hostIP:]hostPort:containerPort[/proto]`; an IPv6 address is in brackets.
    public init(_ text: String) throws(ContainerRefusal) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let transport = Transport(rawValue: parts.count == 2 ? parts[1].lowercased() : "tcp"),
            let (address, ports) = PortPublication.splitAddress(parts[0]), ports.count == 2,
            let hostPort = PortPublication.number(ports[0]), let containerPort = PortPublication.number(ports[1])
        else {
            throw ContainerRefusal(
                "-p: expected \(PortPublication.form) with ports from 1 to 65535, found \(JSONValue.quoted(text))")
        }
        hostAddress = address
        self.hostPort = hostPort
        self.containerPort = containerPort
        self.transport = transport
    }

    /// The address and the ports after it; nil where what should be an address is none.
    private static func splitAddress(_ text: Substring) -> (address: IPAddress?, ports: [Substring])? {
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]"),
                let address = IPAddress(String(text[text.index(after: text.startIndex)..<end])),
                address.family == .ipv6, text[text.index(after: end)...].first == ":"
            else { return nil }
            return (
                address, text[text.index(end, offsetBy: 2)...].split(separator: ":", omittingEmptySubsequences: false)
            )
        }
        let words = text.split(separator: ":", omittingEmptySubsequences: false)
        guard words.count == 3 else { return (nil, words) }
        guard let address = IPAddress(String(words[0])) else { return nil }
        return (address, Array(words[1...]))
    }

    private static func number(_ text: Substring) -> UInt16? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(text), number > 0 else {
            return nil
        }
        return number
    }

    /// All of them, none twice.
    public static func all(_ texts: [String]) throws(ContainerRefusal) -> [PortPublication] {
        var ports: [PortPublication] = []
        for text in texts {
            let port = try PortPublication(text)
            if let other = ports.first(where: port.collides) {
                throw ContainerRefusal(
                    "-p \(text): port \(port.hostPort)/\(port.transport.rawValue) of the host leads to port "
                        + "\(other.containerPort) already: choose another one")
            }
            ports.append(port)
        }
        return ports
    }

    /// Whether both cannot be there at the same time.
    func collides(with other: PortPublication) -> Bool {
        guard hostPort == other.hostPort, transport == other.transport else { return false }
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

    /// As people know it: `0.0.0.0:8080->80/tcp` and `:::8080->80/tcp`, one for each family of the container.
    public func texts(_ families: Set<AddressFamily>) -> [String] {
        let addresses = hostAddress.map { [$0] } ?? families.sorted().map(IPAddress.unspecified)
        return addresses.map { address in
            let host = address.family == .ipv6 && !address.isUnspecified ? "[\(address)]" : "\(address)"
            return "\(host):\(hostPort)->\(containerPort)/\(transport.rawValue)"
        }
    }
}
