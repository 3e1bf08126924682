public import CNI
public import PacketFilter

extension CNIError {
    /// What STATUS reports of a packet filter that cannot be used (code 50).
    public init(notAvailable error: PacketFilterError) {
        self.init(.notAvailable, error.description)
    }
}
