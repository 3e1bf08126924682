public import SystemPackage

/// A change of the packet filter that could not be made, or a state of it that is not what it should be.
public struct PacketFilterError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is, for those who must choose by cause.
    public enum Cause: Equatable, Sendable {
        /// The kernel refused, with its own error number.
        case kernel(Errno)
        /// The kernel lacks a feature, or the host a program.
        case unsupported
        /// A port is published already, by somebody else; with the mapping that was refused because of it.
        case conflict(owner: String, mapping: PortMapping?)
        /// A rule or an element is not there, or not as it should be.
        case mismatch
    }

    /// `nftables`, `iptables` and so on.
    public let backend: String
    /// What was tried, or found, with the chain, map or table.
    public let operation: String
    public let cause: Cause
    /// What the kernel or a program added; often nothing.
    public let message: String?

    public init(backend: String, operation: String, cause: Cause, message: String? = nil) {
        self.backend = backend
        self.operation = operation
        self.cause = cause
        self.message = message
    }

    public var description: String {
        let reason: String? =
            switch cause {
            case .kernel(let errno): "\(errno)"
            case .unsupported: "not supported here"
            case .conflict(let owner, _): "taken by \(owner)"
            case .mismatch: nil
            }
        let texts = [reason, message].compactMap { $0 }
        return "\(backend): \(operation)" + (texts.isEmpty ? "" : ": " + texts.joined(separator: ": "))
    }
}
