public import JSON

/// One plugin of a network, as its configuration describes it (specification, section 1, "Plugin configuration
/// objects").
public struct PluginConfiguration: Equatable, Sendable {
    /// The plugin's name, which is also the name of its executable.
    public let type: String
    /// The capabilities that the plugin asks for: the keys of `capabilities` that are true.
    public let capabilities: [String]
    /// The whole object.
    public let document: JSONObject

    /// Reads and checks what a runtime has to understand.
    ///
    /// - Throws: ``JSONError`` with the path below `field`.
    public init(_ field: JSONField) throws(JSONError) {
        guard let object = try field.object() else { throw field.error(expected: "the configuration of a plugin") }
        document = object
        type = try field["type"].required("the name of a plugin, without a path") { field throws(JSONError) in
            try field.pluginType()
        }
        var capabilities: [String] = []
        for (name, flag) in try field["capabilities"].members() where try flag.bool() ?? false {
            capabilities.append(name)
        }
        self.capabilities = capabilities
    }
}
