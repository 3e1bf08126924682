internal import CNI
public import CNIRuntime
public import JSON
public import NetworkAddress

/// Everything that is known of a network, as a document for people and programs.
public struct NetworkInspection: Sendable {
    let list: NetworkConfigurationList
    let outline: NetworkOutline
    let file: String
    let entries: [CachedAttachment]
    let leases: Set<IPAddress>
    let containerNames: [String: String]

    /// - Parameters:
    ///   - entries: the network's attachments, as the result cache has them.
    ///   - leases: the addresses that somebody has.
    ///   - containerNames: the names of containers that have one, by id.
    public init(
        _ network: ConfigurationFolder.Network, entries: [CachedAttachment], leases: [IPAddress],
        containerNames: [String: String] = [:]
    ) {
        self.containerNames = containerNames
        list = network.list
        outline = NetworkOutline(network.list)
        file = network.file
        self.entries = entries
        self.leases = Set(leases)
    }

    /// Of a network that needs no file.
    public static func builtIn(_ network: NetworkOutline) -> JSONValue {
        [
            "name": .string(network.name), "driver": .string(network.driver), "file": .null, "gateways": [],
            "ranges": [], "attachments": [],
        ]
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "name": .string(outline.name), "driver": .string(outline.driver), "file": .string(file),
        ]
        if let bridge = outline.bridge { object["bridge"] = .string(bridge) }
        object["gateways"] = .array(outline.ranges.map { .string("\($0.gateway)") })
        object["ranges"] = .array(outline.ranges.map(range))
        object["attachments"] = .array(entries.map(attachment))
        object["configuration"] = .object(list.document)
        return .object(object)
    }

    private func range(_ range: NetworkOutline.Range) -> JSONValue {
        let used = UInt128(leases.count(where: range.addresses.contains))
        var object: JSONObject = [
            "subnet": .string("\(range.subnet)"), "first": .string("\(range.addresses.lowerBound)"),
            "last": .string("\(range.addresses.upperBound)"), "gateway": .string("\(range.gateway)"),
        ]
        if !range.excluded.isEmpty {
            object["exclude"] = .array(
                range.excluded.map { .string($0 == IPPrefix(only: $0.address) ? "\($0.address)" : "\($0)") })
        }
        let usable = range.capacity
        object["used"] = NetworkInspection.number(used)
        object["free"] = NetworkInspection.number(usable > used ? usable - used : 0)
        return .object(object)
    }

    /// A count; what is more than 63 bits hold becomes a number with an exponent.
    private static func number(_ count: UInt128) -> JSONValue {
        Int64(exactly: count).map { .integer($0) } ?? .real(Double(count))
    }

    /// One attachment: whose it is, the link in the container, its addresses, and the ports that lead there.
    private func attachment(_ entry: CachedAttachment) -> JSONValue {
        let result = try? AttachmentResult(JSONField(.object(entry.result)), version: .assumed)
        let name = entry.attachment.interfaceName
        let addresses = result?.prefixes(of: name) ?? []
        let mac = result.flatMap { result in result.containerLink(name).flatMap { result.interfaces[$0].mac } }
        return [
            "containerID": .string(entry.attachment.containerID),
            "containerName": containerNames[entry.attachment.containerID].map { .string($0) } ?? .null,
            "ifname": .string(name),
            "sandbox": .string(entry.sandboxPath), "mac": mac.map { .string($0) } ?? .null,
            "addresses": .array(addresses.map { .string("\($0)") }),
            "ports": entry.capabilityArguments["portMappings"] ?? [],
        ]
    }
}

extension NetworkOutline.Range {
    /// How many addresses can be handed out: all but the gateway and what is excluded.
    var capacity: UInt128 {
        var apart: [ClosedRange<IPAddress>] = []
        for prefix in (excluded + [IPPrefix(only: gateway)]).sorted(by: {
            ($0.first, $0.length) < ($1.first, $1.length)
        })
        where addresses.overlaps(prefix.first...prefix.last) {
            // Of two prefixes that overlap, the one that comes first holds the other.
            if let last = apart.last, last.contains(prefix.first) { continue }
            apart.append((prefix.first...prefix.last).clamped(to: addresses))
        }
        func count(_ addresses: ClosedRange<IPAddress>) -> UInt128 {
            addresses.upperBound.number - addresses.lowerBound.number + 1
        }
        return count(addresses) - apart.reduce(0) { $0 + count($1) }
    }
}
