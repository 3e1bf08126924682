public import JSON
internal import NetworkAddress

extension AttachmentResult {
    /// The result as a plugin prints it in `version`. What the version does not know is left out.
    ///
    /// - Throws: ``CNIError`` with code 1 where a version before 0.3.0 cannot express the result, which then has no
    ///   address, or more than one of a family.
    public func json(version: SpecificationVersion) throws(CNIError) -> JSONValue {
        var object: JSONObject = ["cniVersion": .string(version.rawValue)]
        if version.hasInterfaces {
            object.append("interfaces", list: interfaces.map { $0.json(version) })
            object.append("ips", list: ips.map { $0.json(version) })
            object.append("routes", list: routes.map { $0.json(version) })
        } else {
            try appendSingleAddresses(to: &object, version)
        }
        object.append("dns", .object(dns.json))
        object.append(all: unknown.without(AttachmentResult.keys(version)))
        return .object(object)
    }

    /// The `ip4` and `ip6` objects of the versions before 0.3.0.
    private func appendSingleAddresses(to object: inout JSONObject, _ version: SpecificationVersion) throws(CNIError) {
        guard !ips.isEmpty else {
            throw CNIError(.incompatibleVersion, "a result without addresses cannot be expressed in version \(version)")
        }
        for family in AddressFamily.allCases {
            let ips = ips.filter { $0.address.family == family }
            guard let ip = ips.first else { continue }
            guard ips.count == 1 else {
                throw CNIError(
                    .incompatibleVersion,
                    "\(ips.count) addresses of one family cannot be expressed in version \(version)")
            }
            var single: JSONObject = ["ip": .string(ip.address.description)]
            single.append("gateway", text: ip.gateway?.description)
            let routes = routes.filter { $0.destination.family == family }.map { $0.json(version) }
            single.append("routes", list: routes)
            single.append(all: ip.unknown.without(IPConfiguration.keys(version)))
            object.append(family == .ipv4 ? "ip4" : "ip6", .object(single))
        }
    }
}

extension AttachmentResult.Interface {
    func json(_ version: SpecificationVersion) -> JSONValue {
        var object: JSONObject = ["name": .string(name)]
        object.append("mac", text: mac)
        if version.hasLinkDetails { object.append("mtu", number: mtu) }
        object.append("sandbox", text: sandbox)
        if version.hasLinkDetails {
            object.append("socketPath", text: socketPath)
            object.append("pciID", text: pciID)
        }
        object.append(all: unknown, knowing: Self.keys(version)) { try Self($0, version: version) }
        return .object(object)
    }
}

extension AttachmentResult.IPConfiguration {
    func json(_ version: SpecificationVersion) -> JSONValue {
        var object: JSONObject = [:]
        if version.hasAddressVersion { object.append("version", .string(String(address.family.rawValue))) }
        object.append("interface", number: interface)
        object.append("address", .string(address.description))
        object.append("gateway", text: gateway?.description)
        object.append(all: unknown.without(Self.keys(version)))
        return .object(object)
    }
}

extension AttachmentResult.Route {
    func json(_ version: SpecificationVersion) -> JSONValue {
        var object: JSONObject = ["dst": .string(destination.description)]
        object.append("gw", text: gateway?.description)
        if version.hasLinkDetails {
            object.append("mtu", number: mtu)
            object.append("advmss", number: advmss)
            object.append("priority", number: priority)
            object.append("table", number: table)
            object.append("scope", number: scope)
        }
        object.append(all: unknown, knowing: Self.keys(version)) { try Self($0, version: version) }
        return .object(object)
    }
}

extension AttachmentResult.DNS {
    var json: JSONObject {
        var object: JSONObject = [:]
        object.append("nameservers", list: nameservers.map(JSONValue.string))
        object.append("domain", text: domain)
        object.append("search", list: search.map(JSONValue.string))
        object.append("options", list: options.map(JSONValue.string))
        object.append(all: unknown)
        return object
    }
}

extension JSONObject {
    /// Appends a text unless there is none.
    mutating func append(_ key: String, text: String?) {
        if let text { append(key, .string(text)) }
    }

    /// Appends a number unless there is none.
    mutating func append(_ key: String, number: (some BinaryInteger)?) {
        if let number { append(key, .integer(Int64(number))) }
    }

    /// Appends a list unless it is empty.
    mutating func append(_ key: String, list: [JSONValue]) {
        if !list.isEmpty { append(key, .array(list)) }
    }

    mutating func append(all other: JSONObject) {
        for member in other.members { append(member.key, member.value) }
    }

    /// Appends what an older version did not know. Of the keys that are known now all are left out where `read` does not
    /// understand one.
    mutating func append<Part>(
        all unknown: JSONObject, knowing keys: [String], _ read: (JSONField) throws -> Part
    ) {
        var whole = self
        whole.append(all: unknown)
        let others = unknown.without(keys)
        if others.members.count == unknown.members.count || (try? read(JSONField(.object(whole)))) != nil {
            self = whole
        } else {
            append(all: others)
        }
    }
}
