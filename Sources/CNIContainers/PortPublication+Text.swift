internal import NetworkAddress

extension PortPublication {
    /// As people know them: `0.0.0.0:8080->80/tcp` and `:::8080->80/tcp`, one for each family of the container, and
    /// `0.0.0.0:8080-8089->80-89/tcp` for ports that follow each other.
    static func texts(_ ports: [PortPublication], _ families: Set<AddressFamily>) -> [String] {
        var rows: [[PortPublication]] = []
        for port in ports {
            if let row = rows.indices.last, let previous = rows[row].last, port.follows(previous) {
                rows[row].append(port)
            } else {
                rows.append([port])
            }
        }
        return rows.flatMap { row -> [String] in
            guard let first = row.first, let last = row.last else { return [] }
            return first.texts(upTo: last, families)
        }
    }

    private func follows(_ previous: PortPublication) -> Bool {
        hostAddress == previous.hostAddress && transport == previous.transport
            && Int(hostPort) == Int(previous.hostPort) + 1 && Int(containerPort) == Int(previous.containerPort) + 1
    }

    private func texts(upTo last: PortPublication, _ families: Set<AddressFamily>) -> [String] {
        func range(_ port: KeyPath<PortPublication, UInt16>) -> String {
            self == last ? "\(self[keyPath: port])" : "\(self[keyPath: port])-\(last[keyPath: port])"
        }
        let addresses = hostAddress.map { [$0] } ?? families.sorted().map(IPAddress.unspecified)
        return addresses.map { address in
            let host = address.family == .ipv6 && !address.isUnspecified ? "[\(address)]" : "\(address)"
            return "\(host):\(range(\.hostPort))->\(range(\.containerPort))/\(transport.rawValue)"
        }
    }
}
