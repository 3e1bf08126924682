internal import CNI
public import JSON

/// What is known of a container, from before anything of it is made until all of it is gone.
public struct ContainerRecord: Equatable, Sendable {
    /// How far it has come.
    public enum State: String, Sendable {
        /// Its sandbox is being made and attached.
        case starting
        case running
        /// Its command has ended.
        case ending
    }

    /// 64 hexadecimal digits.
    public let id: String
    public var name: String?
    public var hostName: String
    public var command: [String]
    /// In milliseconds since 1970, so that those made one after the other have an order.
    public var created: Int64
    public var state = State.starting
    /// The path of the network namespace; nil where the container has the host's network.
    public var sandboxPath: String?
    /// The process that looks after the container.
    public var supervisor: Int32
    /// The process of the command; nil until it runs.
    public var process: Int32?
    public var ports: [PortPublication] = []
    public var links: [ContainerLink] = []
    public var attachments: [ContainerAttachment] = []
    /// Where the plugins were found.
    public var pluginFolders: [String] = []
    /// The folder of the result cache.
    public var cache: String

    public init(
        id: String, name: String? = nil, hostName: String = "", command: [String] = [], created: Int64 = 0,
        sandboxPath: String? = nil, supervisor: Int32 = 0, cache: String = ""
    ) {
        self.id = id
        self.name = name
        self.hostName = hostName
        self.command = command
        self.created = created
        self.sandboxPath = sandboxPath
        self.supervisor = supervisor
        self.cache = cache
    }

    /// What people call it: its name, else its short id.
    public var title: String { name ?? ContainerNames.short(id) }

    /// Why nothing can be done to it that is for containers that run.
    public var refusal: ContainerRefusal {
        ContainerRefusal("container \(title) is \(state.rawValue): wait for that, and try again")
    }

    /// The lowest interface name that is free: `eth0`, `eth1`, ….
    public var nextInterfaceName: String {
        let taken = Set(attachments.map(\.interfaceName))
        return (0...).lazy.map { "eth\($0)" }.first { !taken.contains($0) } ?? "eth0"
    }
}

extension ContainerRecord {
    public var json: JSONValue {
        var object: JSONObject = ["id": .string(id)]
        if let name { object["name"] = .string(name) }
        object["hostName"] = .string(hostName)
        object["command"] = .array(command.map { .string($0) })
        object["created"] = .integer(created)
        object["state"] = .string(state.rawValue)
        if let sandboxPath { object["sandbox"] = .string(sandboxPath) }
        object["supervisor"] = .integer(Int64(supervisor))
        if let process { object["process"] = .integer(Int64(process)) }
        object["ports"] = .array(ports.map(\.json))
        object["links"] = .array(links.map { ["target": .string($0.target), "alias": .string($0.alias)] })
        object["attachments"] = .array(attachments.map(\.json))
        object["pluginFolders"] = .array(pluginFolders.map { .string($0) })
        object["cache"] = .string(cache)
        return .object(object)
    }

    public init(_ field: JSONField) throws(JSONError) {
        func text(_ key: String) throws(JSONError) -> String {
            try field[key].required("a text") { field throws(JSONError) in try field.string() }
        }
        id = try text("id")
        name = try field["name"].string()
        hostName = try text("hostName")
        command = try field["command"].strings()
        created = try field["created"].integer(in: Int64.min...Int64.max) ?? 0
        state = try field["state"].text("a state") { State(rawValue: $0) } ?? .starting
        sandboxPath = try field["sandbox"].string()
        supervisor = try field["supervisor"].integer(in: 0...Int32.max) ?? 0
        process = try field["process"].integer(in: 1...Int32.max)
        for port in try field["ports"].elements() { ports.append(try PortPublication(port)) }
        for link in try field["links"].elements() {
            links.append(
                ContainerLink(target: try link["target"].string() ?? "", alias: try link["alias"].string() ?? ""))
        }
        for attachment in try field["attachments"].elements() {
            attachments.append(try ContainerAttachment(attachment))
        }
        pluginFolders = try field["pluginFolders"].strings()
        cache = try text("cache")
    }
}
