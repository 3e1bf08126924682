public import CNI
internal import JSON
public import NetworkAddress

extension RequestConfiguration {
    /// The hardware address that the container's interface shall have: `runtimeConfig.mac`, else `args.cni.mac`, else
    /// `MAC` of CNI_ARGS; nil lets the kernel choose.
    public func requestedMAC(_ arguments: CNIArguments) throws -> MACAddress? {
        let expected = "a hardware address such as 02:00:5e:10:00:01"
        for field in [try document["runtimeConfig"]["mac"], try document["args"]["cni"]["mac"]] {
            if let mac = try field.text(expected, MACAddress.init(usable:)) { return mac }
        }
        guard let text = arguments["MAC"] else { return nil }
        guard let mac = MACAddress(usable: text) else {
            throw CNIError(.invalidEnvironment, "CNI_ARGS: MAC: expected \(expected), found \(JSONValue.quoted(text))")
        }
        return mac
    }
}

extension MACAddress {
    /// An address that a link may have; nil for any other.
    fileprivate init?(usable text: String) {
        self.init(text)
        guard isUsable else { return nil }
    }
}
