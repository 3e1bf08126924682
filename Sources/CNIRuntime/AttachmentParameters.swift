public import CNI
public import JSON

/// What a runtime says about one attachment, besides the network (specification, section 2, "Parameters").
public struct AttachmentParameters: Equatable, Sendable {
    public var containerID: String
    /// The path of the container's network namespace; may be empty for DEL when it is gone.
    public var sandboxPath: String
    /// The name of the interface in the sandbox.
    public var interfaceName: String
    /// For CNI_ARGS; nil for none in ADD, and for those of ADD in CHECK and DEL.
    public var arguments: CNIArguments?
    /// For `runtimeConfig`: what the runtime has to say about each capability (specification, section 3). A plugin gets
    /// those that it declares. Nil for none in ADD, and for those of ADD in CHECK and DEL.
    public var capabilityArguments: JSONObject?

    public init(
        containerID: String, sandboxPath: String, interfaceName: String = "eth0", arguments: CNIArguments? = nil,
        capabilityArguments: JSONObject? = nil
    ) {
        self.containerID = containerID
        self.sandboxPath = sandboxPath
        self.interfaceName = interfaceName
        self.arguments = arguments
        self.capabilityArguments = capabilityArguments
    }

    /// The attachment to a network that these parameters are about, once they are known to be valid.
    func attachment(to network: String) throws(RuntimeError) -> Attachment {
        guard Names.isIdentifier(containerID) else {
            throw .invalidParameter(
                name: "container id", expected: Names.identifierRule, found: JSONValue.quoted(containerID))
        }
        guard Names.isInterfaceName(interfaceName) else {
            throw .invalidParameter(
                name: "interface name", expected: Names.interfaceNameRule, found: JSONValue.quoted(interfaceName))
        }
        return Attachment(network: network, containerID: containerID, interfaceName: interfaceName)
    }
}
