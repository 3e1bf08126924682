public import CNI

/// The names of links that plugins make on the host.
///
/// They follow from the attachment, so that DEL finds a link without a list and without the sandbox, and from its
/// network, so that GC knows what it may judge: `veth`, three characters for the network, eight for the attachment.
public enum HostLinkName {
    /// The host's end of the pair that belongs to an attachment.
    public static func veth(_ attachment: Attachment) -> String {
        vethPrefix(network: attachment.network)
            + StableHash.text(
                of: [attachment.network, attachment.containerID, attachment.interfaceName], characters: 8)
    }

    /// What the names of all pairs of a network begin with.
    public static func vethPrefix(network: String) -> String {
        "veth" + StableHash.text(of: [network], characters: 3)
    }

    /// A name for the bridge's end of a pair that the host itself uses.
    public static func veth(gatewayLink: String) -> String {
        "veth" + StableHash.text(of: ["gateway", gatewayLink], characters: 11)
    }

    /// The host's own link on the physical network that a network's containers are on.
    public static func shim(network: String) -> String {
        "shim" + StableHash.text(of: [network], characters: 11)
    }

    /// The text that says whose a link is (`ip link show` prints it as alias), cut to what the kernel takes: 255 bytes.
    public static func alias(_ attachment: Attachment) -> String {
        cut(aliasPrefix(network: attachment.network) + "\(attachment.containerID)/\(attachment.interfaceName)")
    }

    /// Whether the link is the host's end of a pair of this network. Its name says so, and its alias, which a kill may
    /// have kept from being set, does not say otherwise.
    public static func isVeth(named name: String, alias: String?, of network: String) -> Bool {
        let prefix = vethPrefix(network: network)
        guard name.hasPrefix(prefix), name.utf8.count == prefix.utf8.count + 8 else { return false }
        guard let alias, !alias.isEmpty else { return true }
        return alias.hasPrefix(cut(aliasPrefix(network: network)))
    }

    /// Whether the alias says that a link belongs to another attachment; one that is not of this form says nothing.
    public static func isAlias(_ alias: String?, ofOtherThan attachment: Attachment) -> Bool {
        guard let alias, alias.hasPrefix("cni:") else { return false }
        return alias != self.alias(attachment)
    }

    private static func aliasPrefix(network: String) -> String { "cni:\(network)/" }

    /// Identifiers are ASCII, so cutting never splits a character.
    private static func cut(_ text: String) -> String { String(text.prefix(255)) }
}
