internal import JSON

/// A container that another one knows by a name of its own choice (`--link`).
public struct ContainerLink: Equatable, Sendable {
    /// The name of the container, or its id where it has no name.
    public let target: String
    public let alias: String

    public init(target: String, alias: String) {
        self.target = target
        self.alias = alias
    }

    /// Reads `TARGET[:ALIAS]`.
    public init(_ text: String) throws(ContainerRefusal) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, !parts[0].isEmpty else {
            throw ContainerRefusal("--link: expected CONTAINER[:ALIAS], found \(JSONValue.quoted(text))")
        }
        target = parts[0]
        alias = try ContainerNames.checked(parts[parts.count - 1], "--link")
    }
}
