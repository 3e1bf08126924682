internal import JSON
internal import NetworkAddress

extension PortPublication {
    /// The most ports that a container publishes: each is a rule of its own.
    static let most = 1000

    private static let form =
        "[HOSTIP:][HOSTPORT:]CONTAINERPORT[/tcp|udp|sctp], such as 8080:80, 8080-8089:80-89 or 80"

    /// All of `[hostIP:][hostPort:]containerPort[/proto]`, where a port may be a range such as `80-89` and an IPv6 address
    /// is in brackets; none of them twice. Without a port of the host one is chosen later.
    public static func all(_ texts: [String]) throws(ContainerRefusal) -> [PortPublication] {
        var all: [PortPublication] = []
        for text in texts {
            let ports = try read(text)
            guard all.count + ports.count <= most else {
                throw ContainerRefusal("-p: a container publishes \(most) ports at most: publish fewer")
            }
            for port in ports {
                if let other = all.first(where: port.collides) {
                    throw ContainerRefusal(
                        "-p \(text): port \(port.hostPort)/\(port.transport.rawValue) of the host leads to port "
                            + "\(other.containerPort) already: choose another one")
                }
                all.append(port)
            }
        }
        return all
    }

    /// Those of one `-p`, in order.
    static func read(_ text: String) throws(ContainerRefusal) -> [PortPublication] {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let transport = Transport(rawValue: parts.count == 2 ? parts[1].lowercased() : "tcp"),
            let (address, words) = splitAddress(parts[0]), let last = words.last, let container = range(last)
        else { throw refusal(text) }
        guard words.count == 2, !words[0].isEmpty else {
            return container.map { port in
                PortPublication(hostAddress: address, hostPort: 0, containerPort: port, transport: transport)
            }
        }
        guard let host = range(words[0]) else { throw refusal(text) }
        guard host.count == container.count else {
            throw ContainerRefusal(
                "-p \(text): ports of the host are \(host.count), those of the container \(container.count): "
                    + "name as many of both")
        }
        return zip(host, container).map { host, container in
            PortPublication(hostAddress: address, hostPort: host, containerPort: container, transport: transport)
        }
    }

    private static func refusal(_ text: String) -> ContainerRefusal {
        ContainerRefusal("-p: expected \(form) with ports from 1 to 65535, found \(JSONValue.quoted(text))")
    }

    /// The address, and after it one word, or two with that of the host first; nil where what should be an address is
    /// none.
    private static func splitAddress(_ text: Substring) -> (address: IPAddress?, ports: [Substring])? {
        func words(_ text: Substring) -> [Substring] { text.split(separator: ":", omittingEmptySubsequences: false) }
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]"),
                let address = IPAddress(String(text[text.index(after: text.startIndex)..<end])),
                address.family == .ipv6, text[text.index(after: end)...].first == ":"
            else { return nil }
            let ports = words(text[text.index(end, offsetBy: 2)...])
            return ports.count == 2 ? (address, ports) : nil
        }
        let words = words(text)
        guard words.count > 2 else { return (nil, words) }
        guard words.count == 3, let address = IPAddress(String(words[0])) else { return nil }
        return (address, Array(words[1...]))
    }

    /// `80` or `80-89`; nil where it is neither.
    private static func range(_ text: Substring) -> ClosedRange<UInt16>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(number)
        guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1], first <= last else { return nil }
        return first...last
    }

    private static func number(_ text: Substring) -> UInt16? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(text), number > 0 else {
            return nil
        }
        return number
    }
}
