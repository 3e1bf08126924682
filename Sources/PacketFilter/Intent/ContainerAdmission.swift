public import NetworkAddress

/// The intent to let packets of a container through the firewall of the host, and to say which other containers reach it.
public struct ContainerAdmission: Equatable, Sendable {
    /// Who reaches the containers of a network.
    public enum IngressPolicy: Hashable, Sendable {
        /// Everybody.
        case open
        /// Containers behind the same link of the host, its bridge, and no others that are not `open`.
        case sameBridge(String)
        /// No containers that are not `open`, be they behind the same bridge.
        case isolated(String)

        /// The link by which packets of the network's containers come to the host.
        public var bridge: String? {
            switch self {
            case .open: nil
            case .sameBridge(let name), .isolated(let name): name
            }
        }
    }

    public var owner: RuleOwner
    /// The container's addresses.
    public var addresses: [IPAddress]
    public var policy: IngressPolicy
    /// The chain of the administrator, whose rules come before ours.
    public var adminChain: ChainName

    public init(
        owner: RuleOwner, addresses: [IPAddress], policy: IngressPolicy = .open,
        adminChain: ChainName = .administrators
    ) {
        self.owner = owner
        self.addresses = addresses
        self.policy = policy
        self.adminChain = adminChain
    }

    /// Whether a chain of that name cannot be an administrator's, because the kernel calls it, or it is one of ours.
    public static func isReserved(_ chain: ChainName) -> Bool {
        chain.isReservedInIPTables || NFTFirewall.layout.reserves(chain.description)
    }

    /// Which families it is about: those of the addresses; without any, an isolated container may still get one.
    var families: [AddressFamily] {
        if addresses.isEmpty { return policy == .open ? [] : AddressFamily.allCases }
        return AddressFamily.allCases.filter { family in addresses.contains { $0.family == family } }
    }
}
