public import JSON

/// A network as an administrator describes it: a chain of plugins under one name (specification, section 1).
public struct NetworkConfigurationList: Equatable, Sendable {
    public let name: String
    /// The version in which all plugins are called: the newest that the network lists and this project speaks.
    public let version: SpecificationVersion
    /// Whether CHECK must not be run (`disableCheck`).
    public let disablesCheck: Bool
    /// Whether GC must not be run (`disableGC`).
    public let disablesGarbageCollection: Bool
    /// Whether only ``plugins`` count, and no files beside the list (`loadOnlyInlinedPlugins`).
    public let loadsOnlyInlinedPlugins: Bool
    /// In the order of ADD.
    public private(set) var plugins: [PluginConfiguration]
    /// The whole list as a document that says the same.
    public private(set) var document: JSONObject

    /// Reads a list (`.conflist`).
    ///
    /// A list may have no plugins when more are to come with ``append(_:)``.
    ///
    /// - Throws: ``JSONError``, or ``CNIError`` with code 1 for versions; both name the key.
    public init(_ field: JSONField) throws {
        name = try RequestConfiguration.networkName(field["name"])
        version = try NetworkConfigurationList.version(of: field)
        disablesCheck = try field["disableCheck"].lenientBool() ?? false
        disablesGarbageCollection = try field["disableGC"].lenientBool() ?? false
        loadsOnlyInlinedPlugins = try field["loadOnlyInlinedPlugins"].lenientBool() ?? false
        let list = try field["plugins"]
        plugins = try list.elements().map { element throws(JSONError) in try PluginConfiguration(element) }
        document = try field.object() ?? [:]
        if plugins.isEmpty && (!list.isAbsent || loadsOnlyInlinedPlugins) {
            throw JSONError(path: list.path, expected: "a list of at least one plugin", found: list.value?.summary)
        }
    }

    /// Reads the configuration of a single plugin (`.conf`, `.json`) as a list that holds only that.
    ///
    /// - Throws: as ``init(_:)``.
    public init(wrapping field: JSONField) throws {
        let plugin = try PluginConfiguration(field)
        name = try RequestConfiguration.networkName(field["name"])
        version = try NetworkConfigurationList.version(of: field)
        disablesCheck = false
        disablesGarbageCollection = false
        loadsOnlyInlinedPlugins = true
        plugins = [plugin]
        document = [
            "cniVersion": .string(version.rawValue), "name": .string(name), "loadOnlyInlinedPlugins": true,
            "plugins": .array([.object(plugin.document)]),
        ]
    }

    /// Appends plugins that were found beside the list; ``document`` then lists them as if they were inlined.
    public mutating func append(_ more: [PluginConfiguration]) {
        if more.isEmpty { return }
        plugins += more
        document["plugins"] = .array(plugins.map { .object($0.document) })
        document["loadOnlyInlinedPlugins"] = true
    }

    /// The newest version among `cniVersions` and `cniVersion` that this project speaks. Released versions that it
    /// does not know are passed over as long as there is another one.
    private static func version(of field: JSONField) throws -> SpecificationVersion {
        let offers = try field["cniVersions"]
        if offers.isAbsent { return try RequestConfiguration.version(of: field) }
        let single = try field["cniVersion"]
        var versions: [SpecificationVersion] = []
        for offer in try offers.elements() + (try single.string().map { $0.isEmpty ? [] : [single] } ?? []) {
            let expected = "a version such as \(SpecificationVersion.latest)"
            let text = try offer.required(expected) { field throws(JSONError) in
                try field.text(expected) { isVersion($0) ? $0 : nil }
            }
            if let version = SpecificationVersion(rawValue: text) { versions.append(version) }
        }
        guard let newest = versions.max() else {
            let known = SpecificationVersion.allCases.map(\.rawValue).joined(separator: ", ")
            throw CNIError(.incompatibleVersion, "cniVersions: expected at least one of \(known), found none of them")
        }
        return newest
    }

    /// Whether a text is one to three numbers with dots between them.
    private static func isVersion(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return (1...3).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }
}

extension JSONField {
    /// The flag here, which people also write as the string "true" or "false".
    func lenientBool() throws(JSONError) -> Bool? {
        guard case .string(let text)? = value else { return try bool() }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw error(expected: "true or false")
        }
    }
}
