public import CNI
public import JSON
public import NetworkAddress

extension RequestConfiguration {
    /// The hardware address that the container's interface shall have: `runtimeConfig.mac`, else `args.cni.mac`, else
    /// `MAC` of CNI_ARGS; nil lets the kernel choose.
    public func requestedMAC(_ arguments: CNIArguments) throws -> MACAddress? {
        for field in [try document["runtimeConfig"]["mac"], try document["args"]["cni"]["mac"]] {
            if let mac = try field.mac() { return mac }
        }
        return try arguments.mac()
    }
}

extension JSONField {
    /// A hardware address that a link may have; nil where it is absent or empty.
    public func mac() throws(JSONError) -> MACAddress? { try text(MACAddress.expected, MACAddress.init(usable:)) }
}

extension CNIArguments {
    /// `MAC`: a hardware address that a link may have; nil where it is absent or empty.
    public func mac() throws(CNIError) -> MACAddress? {
        guard let text = self["MAC"] else { return nil }
        guard let mac = MACAddress(usable: text) else {
            throw CNIError(
                .invalidEnvironment,
                "CNI_ARGS: MAC: expected \(MACAddress.expected), found \(JSONValue.quoted(text))")
        }
        return mac
    }
}

extension MACAddress {
    fileprivate static let expected = "a hardware address such as 02:00:5e:10:00:01"

    /// An address that a link may have; nil for any other.
    fileprivate init?(usable text: String) {
        self.init(text)
        guard isUsable else { return nil }
    }
}
