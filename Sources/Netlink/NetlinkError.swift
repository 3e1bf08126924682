public import SystemPackage

/// A request that the kernel refused.
public struct NetlinkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried, such as `add link cni0`.
    public let operation: String
    /// The kernel's own error number, not libnl's.
    public let errno: Errno
    /// What the kernel added in its extended acknowledgement; often nothing.
    public let message: String?

    public init(operation: String, errno: Errno, message: String? = nil) {
        self.operation = operation
        self.errno = errno
        self.message = message
    }

    /// Whether the thing to be made is there already (EEXIST).
    public var isAlreadyThere: Bool { errno == .fileExists }

    /// Whether this kernel was built without it (EOPNOTSUPP).
    public var isUnsupported: Bool { errno == .notSupported }

    public var description: String {
        "cannot \(operation): \(errno)" + (message.map { " (\($0))" } ?? "")
    }
}
