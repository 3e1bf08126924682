public import NetworkAddress

/// One condition on packets, of the few that an administrator may add to the rules of published ports.
public struct RuleCondition: Equatable, Hashable, Sendable {
    /// What is looked at.
    public enum Subject: Equatable, Hashable, Sendable {
        /// The sender, without host bits (`-s`, `ip saddr`).
        case source(IPPrefix)
        /// The receiver, without host bits (`-d`, `ip daddr`).
        case destination(IPPrefix)
        /// The link that the packet came in on (`-i`, `iifname`).
        case inputLink(String)
    }

    /// The family whose packets it is about.
    public let family: AddressFamily
    public let subject: Subject
    /// Whether the opposite must hold (`!`, `!=`).
    public let isNegated: Bool

    public init(_ family: AddressFamily, _ subject: Subject, isNegated: Bool = false) {
        self.family = family
        self.subject = subject
        self.isNegated = isNegated
    }
}
