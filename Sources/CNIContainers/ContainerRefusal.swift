/// Why a container cannot be run or changed: one sentence with the remedy.
public struct ContainerRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
