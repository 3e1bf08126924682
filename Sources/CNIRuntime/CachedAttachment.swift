public import CNI
public import JSON

/// What a runtime remembers of an attachment between ADD and DEL.
///
/// As a file it is the JSON object that other runtimes keep too, of kind `cniCacheV1`, so that each can delete what
/// another one added.
public struct CachedAttachment: Equatable, Sendable {
    public let attachment: Attachment
    /// The path of the sandbox at the time of ADD; empty where it is not known.
    public let sandboxPath: String
    public let arguments: CNIArguments
    /// What the runtime had to say about each capability.
    public let capabilityArguments: JSONObject
    /// The network's configuration at the time of ADD, as JSON text; empty where it is not known.
    public let configuration: [UInt8]
    /// The result of the whole chain.
    public let result: JSONObject

    public init(
        attachment: Attachment, sandboxPath: String, arguments: CNIArguments = .none,
        capabilityArguments: JSONObject = [:], configuration: [UInt8], result: JSONObject
    ) {
        self.attachment = attachment
        self.sandboxPath = sandboxPath
        self.arguments = arguments
        self.capabilityArguments = capabilityArguments
        self.configuration = configuration
        self.result = result
    }

    private static let kind = "cniCacheV1"

    /// The attachment as a cache file holds it. Empty members are left out.
    var json: JSONValue {
        var object: JSONObject = [
            "kind": .string(CachedAttachment.kind), "containerId": .string(attachment.containerID),
            "config": .string(Base64.encode(configuration)), "ifName": .string(attachment.interfaceName),
            "networkName": .string(attachment.network),
        ]
        if !sandboxPath.isEmpty { object.append("netns", .string(sandboxPath)) }
        if !arguments.pairs.isEmpty {
            object.append("cniArgs", .array(arguments.pairs.map { [.string($0.key), .string($0.value)] }))
        }
        if !capabilityArguments.members.isEmpty { object.append("capabilityArgs", .object(capabilityArguments)) }
        object.append("result", .object(result))
        return .object(object)
    }

    /// Reads a cache file. Files of before this kind hold the bare result, and say nothing else.
    ///
    /// - Parameter attachment: whose entry it is; nil where the file has to say so itself.
    /// - Throws: ``JSONError`` or ``CNIError`` for what is no entry, or one of another attachment.
    init(_ field: JSONField, of attachment: Attachment?) throws {
        let kind = try field["kind"].string()
        if kind == nil, let attachment, let result = try field.object() {
            _ = try AttachmentResult(field, version: .assumed)
            self.init(attachment: attachment, sandboxPath: "", configuration: [], result: result)
            return
        }
        guard kind == CachedAttachment.kind else {
            throw try field["kind"].error(expected: "\"\(CachedAttachment.kind)\"")
        }
        let named = Attachment(
            network: try RequestConfiguration.networkName(field["networkName"]),
            containerID: try field["containerId"].required("a container id") { field throws(JSONError) in
                try field.text("a container id") { Names.isIdentifier($0) ? $0 : nil }
            },
            interfaceName: try field["ifName"].required("an interface name") { field throws(JSONError) in
                try field.text("an interface name") { Names.isInterfaceName($0) ? $0 : nil }
            })
        if let attachment, attachment != named { throw field.error(expected: "the entry of \(attachment)") }
        let result = try field["result"]
        _ = try AttachmentResult(result, version: .assumed)
        self.init(
            attachment: named, sandboxPath: try field["netns"].string() ?? "",
            arguments: try CachedAttachment.arguments(field["cniArgs"]),
            capabilityArguments: try field["capabilityArgs"].object() ?? [:],
            configuration: try field["config"].text("base64 text") { Base64.decode($0) } ?? [],
            result: try result.object() ?? [:])
    }

    private static func arguments(_ field: JSONField) throws(JSONError) -> CNIArguments {
        var pairs: [CNIArguments.Pair] = []
        for element in try field.elements() {
            let texts = try element.strings()
            guard texts.count == 2 else { throw element.error(expected: "a key and a value") }
            pairs.append(CNIArguments.Pair(key: texts[0], value: texts[1]))
        }
        guard let arguments = CNIArguments(pairs) else { throw field.error(expected: "pairs that CNI_ARGS can hold") }
        return arguments
    }
}
