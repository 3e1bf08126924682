public import JSON

/// What a plugin answered to ADD: the document as it printed it, and what that says.
public struct PluginResult: Equatable, Sendable {
    /// With `cniVersion` filled in where the plugin left it out; all else is as it was printed.
    public let document: JSONObject
    public let value: AttachmentResult

    /// Reads a result.
    ///
    /// - Parameter version: counts where the result names none.
    /// - Throws: ``JSONError`` or ``CNIError`` for what is no result.
    public init(_ json: JSONValue, version: SpecificationVersion) throws {
        guard case .object(var object) = json else { throw JSONField(json).error(expected: "an object") }
        value = try AttachmentResult(JSONField(json), version: version)
        if object["cniVersion"] == nil || object["cniVersion"] == "" || object["cniVersion"] == .null {
            object["cniVersion"] = .string(version.rawValue)
        }
        document = object
    }
}
