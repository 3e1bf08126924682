public import JSON

/// What VERSION answers (specification, section "VERSION").
public struct VersionInfo: Equatable, Sendable {
    /// The version in which the answer is given: the one that was asked in.
    public let version: SpecificationVersion
    /// Every version that the plugin speaks; versions that this project does not know are left out.
    public let supported: [SpecificationVersion]

    public init(
        version: SpecificationVersion = .latest, supported: [SpecificationVersion] = SpecificationVersion.allCases
    ) {
        self.version = version
        self.supported = supported
    }

    /// Reads what a plugin answered. One that names no versions speaks only the first.
    public init(_ field: JSONField) throws(JSONError) {
        version = SpecificationVersion(rawValue: try field["cniVersion"].string() ?? "") ?? .assumed
        let supported = try field["supportedVersions"].strings()
        self.supported = supported.isEmpty ? [.v0_1_0] : supported.compactMap(SpecificationVersion.init(rawValue:))
    }

    public var json: JSONValue {
        [
            "cniVersion": .string(version.rawValue),
            "supportedVersions": .array(supported.map { .string($0.rawValue) }),
        ]
    }
}
