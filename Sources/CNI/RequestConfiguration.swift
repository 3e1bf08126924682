public import JSON

/// The network configuration that a runtime hands to one plugin on its standard input: what all plugins understand of
/// it, checked, and the whole document for what one plugin understands.
public struct RequestConfiguration: Sendable {
    public let version: SpecificationVersion
    /// The network's name.
    public let network: String
    /// The name of the plugin; empty where a runtime leaves it out.
    public let type: String
    /// The IPAM plugin to delegate to; nil where `ipam` is absent or its `type` is empty: layer 2 only.
    public let ipamType: String?
    public let dns: AttachmentResult.DNS
    /// What the plugins before this one in the chain made; on CHECK and DEL, what all of them made.
    public let prevResult: AttachmentResult?
    /// For GC: the attachments that live; nil where the runtime did not say, which is not the same as none.
    public let validAttachments: [Attachment]?
    /// The whole document.
    public let document: JSONField

    /// Reads and checks what is common to all plugins.
    ///
    /// - Throws: ``CNIError``: code 6 for what is not JSON, 1 for an unknown version, 7 for keys that are not valid;
    ///   ``JSONError`` for keys of the wrong type.
    /// - Parameter isRemoving: whether it is for DEL or GC: then `dns` and `prevResult` count as absent where they cannot be
    ///   read. Who removes does not depend on them, and would be kept from it for ever.
    public init(_ input: [UInt8], isRemoving: Bool = false) throws {
        document = JSONField(try RequestConfiguration.parse(input))
        version = try RequestConfiguration.version(of: document)
        network = try RequestConfiguration.networkName(document["name"])
        type = try document["type"].pluginType() ?? ""
        ipamType = try document["ipam"]["type"].pluginType()
        do {
            dns = try AttachmentResult.DNS(document["dns"])
        } catch {
            guard isRemoving else { throw error }
            dns = AttachmentResult.DNS()
        }
        do {
            let prevResult = try document["prevResult"]
            self.prevResult = prevResult.isAbsent ? nil : try AttachmentResult(prevResult, version: version)
        } catch {
            guard isRemoving else { throw error }
            prevResult = nil
        }
        validAttachments = try RequestConfiguration.validAttachments(document, network: network)
    }

    /// The document on standard input, which must be an object.
    public static func parse(_ input: [UInt8]) throws(CNIError) -> JSONValue {
        do throws(JSONError) {
            let value = try JSONValue(parsing: input)
            guard case .object = value else {
                throw JSONError(path: JSONPath(), expected: "an object", found: value.summary)
            }
            return value
        } catch {
            throw CNIError(.decoding, "the network configuration cannot be read", details: error.description)
        }
    }

    /// The version that a document names.
    public static func version(of document: JSONField) throws -> SpecificationVersion {
        guard let text = try document["cniVersion"].string(), !text.isEmpty else { return .assumed }
        guard let version = SpecificationVersion(rawValue: text) else {
            let known = SpecificationVersion.allCases.map(\.rawValue).joined(separator: ", ")
            throw CNIError(
                .incompatibleVersion, "cniVersion: expected one of \(known), found \(JSONValue.quoted(text))")
        }
        return version
    }

    /// The checked name of a network.
    public static func networkName(_ field: JSONField) throws(JSONError) -> String {
        let expected = "the network's name (\(Names.identifierRule))"
        return try field.required(expected) { field throws(JSONError) in
            try field.text(expected) { Names.isIdentifier($0) ? $0 : nil }
        }
    }

    /// The attachments that a runtime says are alive, under either of the keys in use.
    private static func validAttachments(_ document: JSONField, network: String) throws(JSONError) -> [Attachment]? {
        var attachments: [Attachment]?
        for key in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
            let list = try document[key]
            if list.isAbsent { continue }
            attachments = attachments ?? []
            for element in try list.elements() { attachments?.append(try attachment(element, network)) }
        }
        return attachments
    }

    /// One entry of a list of attachments: `{"containerID": …, "ifname": …}`.
    private static func attachment(_ field: JSONField, _ network: String) throws(JSONError) -> Attachment {
        let containerID = try field["containerID"].required("a container id") { field throws(JSONError) in
            try field.text("a container id") { Names.isIdentifier($0) ? $0 : nil }
        }
        let interfaceName = try field["ifname"].required("an interface name") { field throws(JSONError) in
            try field.text("an interface name") { Names.isInterfaceName($0) ? $0 : nil }
        }
        return Attachment(network: network, containerID: containerID, interfaceName: interfaceName)
    }
}

extension JSONField {
    /// The name of a plugin here, which must not lead out of the folders where plugins are looked for.
    public func pluginType() throws(JSONError) -> String? {
        try text("the name of a plugin, without a path") { Names.isPluginType($0) ? $0 : nil }
    }
}
