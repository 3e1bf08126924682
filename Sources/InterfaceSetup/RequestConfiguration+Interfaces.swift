public import CNI
public import JSON

extension JSONField {
    /// An MTU in bytes: at least 68, with which IPv4 works; nil where it is 0 or absent.
    public func mtu() throws(JSONError) -> UInt32? {
        guard let mtu: UInt32 = try integer(in: 0...65535), mtu != 0 else { return nil }
        guard mtu >= 68 else { throw error(expected: "0 or an MTU from 68 to 65535") }
        return mtu
    }
}

extension RequestConfiguration {
    /// Refuses a layer-2 attachment in a version whose results cannot tell of it.
    public func checkIPAMIsNamedIfNeeded() throws(CNIError) {
        if ipamType == nil && !version.hasInterfaces {
            throw CNIError(
                .invalidConfiguration,
                "ipam.type: expected an IPAM plugin, because version \(version) cannot tell of an interface without address"
            )
        }
    }

    /// What ADD printed, which a runtime hands to CHECK; for chained plugins, on ADD, what those before it made.
    ///
    /// - Parameter origin: whose result it is, for the message.
    public func requiredPrevResult(of origin: String = "ADD") throws(CNIError) -> AttachmentResult {
        guard let prevResult else {
            throw CNIError(.invalidConfiguration, "prevResult: expected the result of \(origin), found nothing")
        }
        return prevResult
    }
}
