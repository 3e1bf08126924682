internal import MessageDigest

// The chains of the reference plugins. Their names never change: containers live longer than the plugins that attached
// them.
extension ChainName {
    /// Leads what is addressed to this host to the chains of the containers.
    static let hostPorts = ChainName(known: "CNI-HOSTPORT-DNAT")
    /// Marks packets whose sender is to be translated.
    static let setMark = ChainName(known: "CNI-HOSTPORT-SETMARK")
    /// Translates the sender of those that are marked.
    static let masqueradeMarked = ChainName(known: "CNI-HOSTPORT-MASQ")
    /// Ours: drops what claims to be for a loopback address and comes from outside.
    static let loopbackGuard = ChainName(known: "CNI-LOCALNET")

    /// What the name of every container's chain of published ports starts with.
    static let hostPortsPrefix: StaticString = "CNI-DN-"

    /// The chain that holds the published ports of a container.
    static func hostPorts(of network: String, _ containerID: String) -> ChainName {
        ChainName(prefix: hostPortsPrefix, digits: digits(network, containerID))
    }

    /// The chain that decides what of a container's packets is masqueraded.
    static func masquerading(of network: String, _ containerID: String) -> ChainName {
        ChainName(prefix: "CNI-", digits: digits(network, containerID))
    }

    /// The chain of a container.
    static func own(_ purpose: OwnerComment.Purpose, _ network: String, _ containerID: String) -> ChainName {
        switch purpose {
        case .portForwarding: hostPorts(of: network, containerID)
        case .masquerading: masquerading(of: network, containerID)
        }
    }

    /// Whether it is one of the chains of published ports.
    var isOfHostPorts: Bool { description.hasPrefix("\(ChainName.hostPortsPrefix)") }

    /// Whether it is `CNI-` and 24 hexadecimal digits.
    var isOfMasquerading: Bool {
        description.utf8.count == 28 && description.hasPrefix("CNI-")
            && description.utf8.dropFirst(4).allSatisfy { ChainName.hexadecimalDigits.contains($0) }
    }

    private static let hexadecimalDigits = Array("0123456789abcdef".utf8)

    private static func digits(_ network: String, _ containerID: String) -> String {
        SHA512.hexadecimal(of: network + containerID, bytes: 14)
    }
}
