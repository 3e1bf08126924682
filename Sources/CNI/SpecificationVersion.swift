/// A released version of the CNI specification that this project speaks, oldest first.
public enum SpecificationVersion: String, CaseIterable, Comparable, Sendable, CustomStringConvertible {
    case v0_1_0 = "0.1.0"
    case v0_2_0 = "0.2.0"
    case v0_3_0 = "0.3.0"
    case v0_3_1 = "0.3.1"
    case v0_4_0 = "0.4.0"
    case v1_0_0 = "1.0.0"
    case v1_1_0 = "1.1.0"

    public static let latest = SpecificationVersion.v1_1_0

    /// What a configuration without `cniVersion` counts as.
    public static let assumed = SpecificationVersion.v0_1_0

    public var description: String { rawValue }

    public static func < (one: SpecificationVersion, other: SpecificationVersion) -> Bool {
        one.rawValue < other.rawValue  // every part is a single digit
    }

    /// Whether results are lists of interfaces and addresses rather than one `ip4` and one `ip6` object.
    public var hasInterfaces: Bool { self >= .v0_3_0 }

    /// Whether each address carries `version: "4"` or `"6"`.
    var hasAddressVersion: Bool { self >= .v0_3_0 && self < .v1_0_0 }

    /// Whether interfaces may carry mtu, socketPath and pciID, and routes mtu, advmss, priority, table and scope.
    var hasLinkDetails: Bool { self >= .v1_1_0 }
}
