public import NetworkAddress

/// What is to be in the tables of one family for one container: a value, made from an intent.
public struct IPTablesPlan: Equatable, Sendable {
    /// A chain and all its rules.
    public struct Chain: Equatable, Sendable {
        public let table: IPTablesTable
        public let name: ChainName
        public var rules: [IPTablesRule]

        public init(_ table: IPTablesTable, _ name: ChainName, rules: [IPTablesRule] = []) {
            self.table = table
            self.name = name
            self.rules = rules
        }
    }

    /// A rule in a chain that holds others too.
    public struct Entry: Equatable, Sendable {
        public let table: IPTablesTable
        public let chain: ChainName
        public let rule: IPTablesRule
        /// Before all other rules of the chain, instead of after them.
        public let isFirst: Bool

        public init(_ table: IPTablesTable, _ chain: ChainName, _ rule: IPTablesRule, isFirst: Bool = false) {
            self.table = table
            self.chain = chain
            self.rule = rule
            self.isFirst = isFirst
        }
    }

    public let family: AddressFamily
    public let purpose: OwnerComment.Purpose
    /// The chains that containers share, each made before it is referred to. Where one exists already, only those of
    /// its rules that are missing are added.
    public var sharedChains: [Chain]
    /// The rules by which packets get to the shared chains; added where they are missing.
    public var sharedEntries: [Entry]
    /// The container's own chain.
    public var ownChain: Chain
    /// The rules by which packets get to the container's chain.
    public var ownEntries: [Entry]
    /// What the container publishes, in this family.
    public var published: [PortMapping]

    /// All tables that it touches, in the order in which to change them: what protects before what opens.
    public var tables: [IPTablesTable] {
        let used = Set(sharedChains.map(\.table) + sharedEntries.map(\.table) + [ownChain.table])
        return IPTablesTable.allCases.filter { used.contains($0) }
    }
}
