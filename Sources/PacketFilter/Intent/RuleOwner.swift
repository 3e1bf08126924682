/// Whose rules and map elements are: one attachment, in the words of the one who asked for them.
///
/// Every kernel object that this module makes carries it, so that it can be found and taken away without being told
/// what it is, and so that a conflict can name the other side.
public struct RuleOwner: Hashable, Sendable, CustomStringConvertible {
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
