public import JSON
public import NetworkAddress

extension AttachmentResult {
    /// Reads a result of any version.
    ///
    /// - Parameter version: counts where the result itself names none.
    /// - Throws: ``JSONError`` with the path below `field`; ``CNIError`` with code 1 for an unknown `cniVersion`.
    public init(_ field: JSONField, version assumed: SpecificationVersion) throws {
        var version = assumed
        if let named = try field["cniVersion"].string(), !named.isEmpty {
            guard let known = SpecificationVersion(rawValue: named) else {
                let place = field.path.description.isEmpty ? "" : "\(field.path): "
                throw CNIError(
                    .incompatibleVersion, "\(place)a result of version \(JSONValue.quoted(named)) cannot be read")
            }
            version = known
        }
        let object = try field.object() ?? [:]
        if version.hasInterfaces {
            self.init(
                interfaces: try field["interfaces"].elements().map { try Interface($0, version: version) },
                ips: try field["ips"].elements().map { try IPConfiguration($0) },
                routes: try field["routes"].elements().map { try Route($0, version: version) },
                dns: try DNS(field["dns"]),
                unknown: object.without(AttachmentResult.keys(version)))
            // Without interfaces there is nothing to point at: some IPAM plugins number what they cannot know.
            if interfaces.isEmpty { for position in ips.indices { ips[position].interface = nil } }
            try checkInterfaceIndexes(field)
        } else {
            self.init(dns: try DNS(field["dns"]), unknown: object.without(AttachmentResult.keys(version)))
            try readSingleAddress(field["ip4"], .ipv4)
            try readSingleAddress(field["ip6"], .ipv6)
        }
    }

    /// An address must point at an interface that is there.
    private func checkInterfaceIndexes(_ field: JSONField) throws(JSONError) {
        for (position, ip) in ips.enumerated() {
            if let interface = ip.interface, !interfaces.indices.contains(interface) {
                throw try field["ips"].elements()[position]["interface"]
                    .error(expected: "an index into \(interfaces.count) interfaces")
            }
        }
    }

    /// Reads an `ip4` or `ip6` object of the versions before 0.3.0.
    private mutating func readSingleAddress(_ field: JSONField, _ family: AddressFamily) throws(JSONError) {
        if field.isAbsent { return }
        let expected = family == .ipv4 ? "an IPv4 address with prefix length" : "an IPv6 address with prefix length"
        let address: IPPrefix = try field["ip"].required(expected) { field throws(JSONError) in
            try field.text(expected) { text in IPPrefix(text).flatMap { $0.family == family ? $0 : nil } }
        }
        ips.append(
            IPConfiguration(
                address: address, gateway: try field["gateway"].address(),
                unknown: try (field.object() ?? [:]).without(IPConfiguration.keys(.v0_2_0))))
        for route in try field["routes"].elements() { routes.append(try Route(route, version: .v0_2_0)) }
    }
}

extension AttachmentResult.Interface {
    init(_ field: JSONField, version: SpecificationVersion) throws(JSONError) {
        let object = try field.object() ?? [:]
        let name = try field["name"].required("the name of an interface") { field throws(JSONError) in
            try field.text("the name of an interface") { $0 }
        }
        self.init(
            name: name, mac: try field["mac"].text("a hardware address") { $0 },
            sandbox: try field["sandbox"].text("the path of a sandbox") { $0 },
            unknown: object.without(Self.keys(version)))
        guard version.hasLinkDetails else { return }
        mtu = try field["mtu"].integer(in: 0...UInt32.max)
        socketPath = try field["socketPath"].text("a path") { $0 }
        pciID = try field["pciID"].text("a PCI address") { $0 }
    }
}

extension AttachmentResult.IPConfiguration {
    init(_ field: JSONField) throws(JSONError) {
        let expected = "an address with prefix length, such as 10.1.0.5/16"
        let address: IPPrefix = try field["address"].required(expected) { field throws(JSONError) in
            try field.text(expected) { IPPrefix($0) }
        }
        self.init(
            interface: try field["interface"].integer(in: 0...Int(Int32.max)), address: address,
            gateway: try field["gateway"].address(),
            unknown: try (field.object() ?? [:]).without(Self.keys(.latest)))
    }
}

extension AttachmentResult.Route {
    /// Reads a route of a result, or of an IPAM configuration, which has the same shape.
    public init(_ field: JSONField, version: SpecificationVersion) throws(JSONError) {
        let expected = "a destination such as 10.2.0.0/16"
        let destination: IPPrefix = try field["dst"].required(expected) { field throws(JSONError) in
            try field.text(expected) { IPPrefix($0) }
        }
        let gateway = try field["gw"].address()
        if let gateway, gateway.family != destination.family {
            throw try field["gw"].error(expected: "a gateway of the destination's family")
        }
        self.init(
            destination: destination, gateway: gateway,
            unknown: try (field.object() ?? [:]).without(Self.keys(version)))
        guard version.hasLinkDetails else { return }
        mtu = try field["mtu"].integer(in: 0...UInt32.max)
        advmss = try field["advmss"].integer(in: 0...UInt32.max)
        priority = try field["priority"].integer(in: 0...UInt32.max)
        table = try field["table"].integer(in: 0...UInt32.max)
        scope = try field["scope"].integer(in: 0...UInt8.max)
    }
}

extension AttachmentResult.DNS {
    /// Reads the `dns` object of a result or of a configuration.
    public init(_ field: JSONField) throws(JSONError) {
        self.init(
            nameservers: try field["nameservers"].strings(), domain: try field["domain"].text("a domain") { $0 },
            search: try field["search"].strings(), options: try field["options"].strings(),
            unknown: try (field.object() ?? [:]).without(Self.keys))
    }
}

extension JSONField {
    /// The address here, without a prefix length.
    public func address() throws(JSONError) -> IPAddress? {
        try text("an IPv4 or IPv6 address") { IPAddress($0) }
    }

    /// The strings of the array here.
    public func strings() throws(JSONError) -> [String] {
        var strings: [String] = []
        for element in try elements() {
            strings.append(try element.required("a string") { field throws(JSONError) in try field.string() })
        }
        return strings
    }
}
