// The keys that a version knows. A result of another version may have handed one on as unknown: where it is known, it must not
// be taken for what it is not.

extension AttachmentResult {
    static func keys(_ version: SpecificationVersion) -> [String] {
        ["cniVersion", "dns"] + (version.hasInterfaces ? ["interfaces", "ips", "routes"] : ["ip4", "ip6"])
    }
}

extension AttachmentResult.Interface {
    static func keys(_ version: SpecificationVersion) -> [String] {
        ["name", "mac", "sandbox"] + (version.hasLinkDetails ? ["mtu", "socketPath", "pciID"] : [])
    }
}

extension AttachmentResult.IPConfiguration {
    /// Those of `ips`, or, before 0.3.0, of `ip4` and `ip6`.
    static func keys(_ version: SpecificationVersion) -> [String] {
        version.hasInterfaces ? ["version", "interface", "address", "gateway"] : ["ip", "gateway", "routes"]
    }
}

extension AttachmentResult.Route {
    static func keys(_ version: SpecificationVersion) -> [String] {
        ["dst", "gw"] + (version.hasLinkDetails ? ["mtu", "advmss", "priority", "table", "scope"] : [])
    }
}

extension AttachmentResult.DNS {
    static let keys = ["nameservers", "domain", "search", "options"]
}
