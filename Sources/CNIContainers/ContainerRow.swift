public import JSON
internal import NetworkAddress

/// What `ps` tells of a container.
public struct ContainerRow: Equatable, Sendable {
    let container: ContainerRecord
    let now: Int64

    /// - Parameter now: in seconds since 1970.
    public init(_ container: ContainerRecord, now: Int64) {
        self.container = container
        self.now = now
    }

    public static let headings = ["CONTAINER ID", "NAME", "COMMAND", "CREATED", "NETWORKS", "ADDRESSES", "PORTS"]

    public var cells: [String] {
        let addresses = container.attachments.flatMap(\.addresses)
        return [
            ContainerNames.short(container.id), container.name ?? "-", command, age,
            networks.joined(separator: ","), ContainerRow.list(addresses.map { "\($0)" }, ","),
            ContainerRow.list(ports, ", "),
        ]
    }

    private static func list(_ words: [String], _ separator: String) -> String {
        words.isEmpty ? "-" : words.joined(separator: separator)
    }

    private var networks: [String] {
        if container.sandboxPath == nil { return ["host"] }
        return container.attachments.isEmpty ? ["none"] : container.attachments.map(\.network)
    }

    /// The published ports, for the families that the container has addresses of where they are published.
    private var ports: [String] {
        let publishing = container.attachments.filter { $0.capabilityArguments["portMappings"] != nil }
        let families = Set(publishing.flatMap(\.addresses).map(\.family))
        return families.isEmpty ? [] : PortPublication.texts(container.ports, families)
    }

    private var command: String {
        let words = container.command.map { word in
            String(word.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) })
        }
        let text = words.joined(separator: " ")
        return text.count > 20 ? "\"\(text.prefix(19))…\"" : "\"\(text)\""
    }

    /// How long ago it was created, in the largest unit of which there are two.
    var age: String {
        let seconds = max(0, now - container.created / 1000)
        let units: [(Int64, String)] = [(86400, "days"), (3600, "hours"), (60, "minutes")]
        guard let (length, name) = units.first(where: { seconds >= 2 * $0.0 }) else {
            return seconds == 1 ? "1 second ago" : "\(seconds) seconds ago"
        }
        return "\(seconds / length) \(name) ago"
    }

    public var json: JSONValue {
        [
            "id": .string(container.id), "name": container.name.map { .string($0) } ?? .null,
            "hostname": .string(container.hostName), "command": .array(container.command.map { .string($0) }),
            "created": .integer(container.created / 1000), "state": .string(container.state.rawValue),
            "process": container.process.map { .integer(Int64($0)) } ?? .null,
            "sandbox": container.sandboxPath.map { .string($0) } ?? .null,
            "networks": .array(
                container.attachments.map {
                    [
                        "network": .string($0.network), "interface": .string($0.interfaceName),
                        "addresses": .array($0.addresses.map { .string("\($0)") }),
                        "aliases": .array($0.aliases.map { .string($0) }),
                    ]
                }),
            "ports": .array(container.ports.map(\.json)),
        ]
    }
}
