/// Where a value stands in a document, written `ipam.ranges[0][1].subnet`; empty for the document itself.
public struct JSONPath: Equatable, Sendable, CustomStringConvertible {
    public private(set) var description: String

    public init(_ description: String = "") {
        self.description = description
    }

    /// The path of a member of the object here.
    public func appending(key: String) -> JSONPath {
        JSONPath(description.isEmpty ? key : description + "." + key)
    }

    /// The path of an element of the array here.
    public func appending(index: Int) -> JSONPath {
        JSONPath(description + "[\(index)]")
    }
}
