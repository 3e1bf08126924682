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

    /// Accepts what containers send, and the answers.
    static let forwarding = ChainName(known: "CNI-FORWARD")
    /// Finds packets that come out of isolated bridges.
    static let isolationOut = ChainName(known: "CNI-ISOLATION-STAGE-1")
    /// Drops those of them that go into one.
    static let isolationIn = ChainName(known: "CNI-ISOLATION-STAGE-2")
    /// The administrator's, where the configuration names no other.
    public static let administrators = ChainName(known: "CNI-ADMIN")

    /// What the name of every record of an admission starts with. Ours: the reference has none.
    static let recordPrefix: StaticString = "CNI-FW-"

    /// The chain that records what a container was admitted with. No rule leads to it.
    static func record(of owner: RuleOwner) -> ChainName {
        ChainName(prefix: recordPrefix, digits: SHA512.hexadecimal(of: NFTOwnerComment.whole(owner), bytes: 14))
    }

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

    /// Whether it is a chain that the kernel calls, or one that we make.
    var isReservedInIPTables: Bool {
        let own: [ChainName] = [
            .prerouting, .forward, .output, .postrouting, ChainName(known: "INPUT"), .forwarding, .isolationOut,
            .isolationIn, .loopbackGuard,
        ]
        let prefixes = ["\(ChainName.recordPrefix)", "\(ChainName.hostPortsPrefix)", "CNI-HOSTPORT-"]
        return own.contains(self) || isOfMasquerading || prefixes.contains { description.hasPrefix($0) }
    }

    private static let hexadecimalDigits = Array("0123456789abcdef".utf8)

    private static func digits(_ network: String, _ containerID: String) -> String {
        SHA512.hexadecimal(of: network + containerID, bytes: 14)
    }
}
