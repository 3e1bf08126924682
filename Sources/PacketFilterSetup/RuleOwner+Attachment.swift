public import CNI
public import PacketFilter

extension RuleOwner {
    /// The attachment to which rules belong.
    public init(_ attachment: Attachment) {
        self.init(
            network: attachment.network, containerID: attachment.containerID, interfaceName: attachment.interfaceName)
    }
}
