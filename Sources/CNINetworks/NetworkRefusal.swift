/// Why a network cannot be made or removed: one sentence with the remedy.
public struct NetworkRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
