/// What the comments of the reference plugins say of the owner of a rule: network and container, but no interface.
public struct OwnerComment: Hashable, Sendable, CustomStringConvertible {
    /// What the rule is for.
    public enum Purpose: Sendable, CaseIterable {
        case portForwarding
        case masquerading
    }

    public let purpose: Purpose
    public let network: String
    /// Nil where the comment was too long and ends before the id does.
    public let containerID: String?

    public var description: String { "container \(containerID ?? "of a longer name") on network \(network)" }

    /// Reads `dnat name: "net" id: "c1"` or `name: "net" id: "c1"`; everything else is nil.
    public init?(_ comment: RuleComment) {
        var rest = comment.description.utf8[...]
        purpose = rest.drop("dnat ") ? .portForwarding : .masquerading
        guard rest.drop("name: \""), let network = rest.takeUntilQuote() else { return nil }
        self.network = network
        if rest.drop("\" id: \""), let containerID = rest.takeUntilQuote() {
            guard rest.elementsEqual("\"".utf8) else { return nil }
            self.containerID = containerID
        } else {
            guard comment.description.hasSuffix("..") else { return nil }
            containerID = nil
        }
    }

    /// The comment for a rule of `owner`.
    static func comment(_ purpose: Purpose, _ owner: RuleOwner) throws(PacketFilterError) -> RuleComment {
        let text = "name: \"\(owner.network)\" id: \"\(owner.containerID)\""
        // A quote in a name would make somebody else the owner of the rule.
        guard !owner.network.utf8.contains(UInt8(ascii: "\"")), !owner.containerID.utf8.contains(UInt8(ascii: "\"")),
            let comment = RuleComment(cutting: (purpose == .portForwarding ? "dnat " : "") + text)
        else {
            throw PacketFilterError(
                backend: .iptables, operation: "write rules for \(owner.network)", cause: .mismatch,
                message: "the names of network and container do not fit into a comment")
        }
        return comment
    }
}

extension Substring.UTF8View {
    /// Drops `start` where it is there.
    fileprivate mutating func drop(_ start: String) -> Bool {
        guard self.starts(with: start.utf8) else { return false }
        self = dropFirst(start.utf8.count)
        return true
    }

    /// What comes before the next quote; nil where there is none, or nothing before it.
    fileprivate mutating func takeUntilQuote() -> String? {
        guard let quote = firstIndex(of: UInt8(ascii: "\"")), quote != startIndex else { return nil }
        defer { self = self[quote...] }
        return String(self[..<quote])
    }
}

extension String {
    /// What errors of this backend start with.
    static let iptables = "iptables"
}
