internal import MessageDigest

/// The comment that says whose a record of an admission is: `name: "net" id: "c1" interface: "eth0"`.
///
/// A name that is too long for a comment, or has other characters than names of networks and containers, stands there as a
/// hash, after a character that no such name has.
struct AdmissionComment {
    let comment: RuleComment

    init(_ owner: RuleOwner) throws(PacketFilterError) {
        let text =
            AdmissionComment.start(network: owner.network)
            + "\(AdmissionComment.word(owner.containerID))\" interface: \"\(AdmissionComment.word(owner.interfaceName))\""
        guard let comment = RuleComment(text) else {
            throw PacketFilterError(
                backend: .iptables, operation: "write rules for \(owner.network)", cause: .mismatch,
                message: "the names of network and container do not fit into a comment")
        }
        self.comment = comment
    }

    /// What the comments of all attachments to a network begin with, and no others.
    static func start(network: String) -> String { "name: \"\(word(network))\" id: \"" }

    private static let longest = 100

    private static func word(_ name: String) -> String {
        let isPlain = name.utf8.allSatisfy {
            $0.isLetterOrDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
        return isPlain && name.utf8.count <= longest ? name : "#" + SHA512.hexadecimal(of: name, bytes: 20)
    }
}
