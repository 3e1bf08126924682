public import NetworkAddress

/// A mapping that is, or was, in force: for one address of a container.
public struct PublishedPort: Hashable, Sendable {
    public let mapping: PortMapping
    public let container: IPAddress

    public init(mapping: PortMapping, container: IPAddress) {
        self.mapping = mapping
        self.container = container
    }
}
