internal import CNI
internal import JSON

/// What an interface had before the plugin changed it: the contents of a file that the reference plugin writes and reads
/// too, with three keys more that say whose it is.
struct LinkBackup: Equatable {
    private(set) var object: JSONObject

    /// A backup that remembers nothing yet.
    init() { object = [:] }

    /// The contents of a file.
    init(_ bytes: [UInt8]) throws(JSONError) {
        object = try JSONField(JSONValue(parsing: bytes)).required("an object") { field throws(JSONError) in
            try field.object()
        }
    }

    var document: JSONField { JSONField(.object(object)) }

    /// All values.
    func settings() throws -> LinkSettings {
        var settings = LinkSettings()
        for key in LinkSettings.Key.allCases { try settings.read(key, rememberedIn: document) }
        return settings
    }

    /// Remembers values, but for those that it has already: they are the true ones.
    mutating func add(_ settings: LinkSettings) {
        for key in settings.keys where object[key.rawValue] ?? .null == .null {
            object[key.rawValue] = settings[key]
        }
    }

    /// Says whose it is.
    mutating func name(_ attachment: Attachment) {
        object["network"] = .string(attachment.network)
        object["containerID"] = .string(attachment.containerID)
        object["ifname"] = .string(attachment.interfaceName)
    }

    /// Whether it says that it is about another interface. Container ids and interface names may hold the character
    /// that is between them in file names.
    func isOfOther(than attachment: Attachment) -> Bool {
        text("containerID") ?? attachment.containerID != attachment.containerID
            || text("ifname") ?? attachment.interfaceName != attachment.interfaceName
    }

    /// Whose it is, where it says so.
    var owner: Attachment? {
        guard let network = text("network"), let containerID = text("containerID"), let name = text("ifname") else {
            return nil
        }
        return Attachment(network: network, containerID: containerID, interfaceName: name)
    }

    private func text(_ key: String) -> String? {
        guard case .string(let text)? = object[key] else { return nil }
        return text
    }
}
