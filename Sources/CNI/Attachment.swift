/// What one ADD makes and one DEL removes: an interface of a container on a network. Every kernel object and every
/// file that a plugin makes says whose it is in these terms.
public struct Attachment: Hashable, Sendable, CustomStringConvertible {
    public let network: String
    public let containerID: String
    public let interfaceName: String

    public init(network: String, containerID: String, interfaceName: String) {
        self.network = network
        self.containerID = containerID
        self.interfaceName = interfaceName
    }

    public var description: String { "\(interfaceName) of container \(containerID) on network \(network)" }
}
