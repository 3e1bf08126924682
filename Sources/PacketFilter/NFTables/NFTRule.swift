internal import NetworkAddress

/// A rule, in terms that read like the rule.
struct NFTRule: Equatable, Sendable {
    /// What it is for. It stands in the rule, and tells CHECK that the rule is there.
    let comment: String
    let statements: [NFTStatement]

    init(_ comment: String, _ statements: NFTStatement...) {
        self.init(comment, statements)
    }

    init(_ comment: String, _ statements: [NFTStatement]) {
        self.comment = comment
        self.statements = statements
    }
}

/// Something that can be loaded from a packet and looked up.
enum NFTOperand: Equatable, Sendable {
    /// `iifname`, `oifname`
    case inputLink
    case outputLink
    /// `meta l4proto`
    case transport
    /// `ip saddr`, `ip6 daddr` and so on
    case source(AddressFamily)
    case destination(AddressFamily)
    /// `th dport`
    case destinationPort
    /// `ether saddr`
    case etherSource
    /// `arp saddr ether`, `arp saddr ip`
    case arpSourceMAC
    case arpSourceAddress
}

/// One part of a rule.
enum NFTStatement: Equatable, Sendable {
    /// `meta nfproto ipv4`
    case family(AddressFamily)
    /// `meta protocol ip`, `ip6`: what a frame carries, also behind one VLAN tag
    case carries(UInt16)
    /// `ether type ip`, `ip6`, `arp`: what a frame carries, which with a VLAN tag is none of them
    case etherType(UInt16)
    /// `meta l4proto icmpv6`
    case transportIs(UInt8)
    /// `icmpv6 type nd-neighbor-advert`
    case isNeighbourAdvertisement
    /// `@th,64,128`: the address that a neighbour advertisement is about
    case advertises(IPAddress)
    /// `fib daddr type local`
    case destinationIsLocal
    /// `ct status dnat`
    case isTranslated
    /// `ct state established,related`
    case isAnswer
    /// `ip saddr 127.0.0.0/8`, `ip daddr != 224.0.0.0/4`
    case source(IPPrefix, isNegated: Bool = false)
    case destination(IPPrefix, isNegated: Bool = false)
    /// `iifname "eth0"`, `iifname != "lo"`
    case inputLink(String, isNegated: Bool = false)
    /// `iifname . ip saddr @set`, `… != @set`
    case isIn(String, [NFTOperand], isNegated: Bool = false)
    /// `dnat ip to … map @set`: to an address and, where `hasPort`, a port
    case translateDestination(AddressFamily, map: String, [NFTOperand], hasPort: Bool)
    /// `… vmap @set`
    case choose(map: String, [NFTOperand])
    case masquerade
    case accept
    case drop
    case `return`
    case jump(String)
    case goto(String)
}

/// A chain that never changes.
struct NFTChain: Equatable, Sendable {
    /// Where the kernel calls it; nil: only other chains do.
    struct Hook: Equatable, Sendable {
        enum Kind: String, Sendable { case filter, nat }

        let kind: Kind
        /// NF_INET_PRE_ROUTING and so on.
        let number: UInt32
        /// The lower one is called first.
        let priority: Int32

        static func prerouting(_ kind: Kind, _ priority: Int32) -> Hook {
            Hook(kind: kind, number: 0, priority: priority)
        }
        static func forward(_ kind: Kind, _ priority: Int32) -> Hook { Hook(kind: kind, number: 2, priority: priority) }
        static func output(_ kind: Kind, _ priority: Int32) -> Hook { Hook(kind: kind, number: 3, priority: priority) }
        static func postrouting(_ kind: Kind, _ priority: Int32) -> Hook {
            Hook(kind: kind, number: 4, priority: priority)
        }
    }

    let name: String
    var hook: Hook?
    let rules: [NFTRule]
}

/// A table of ours: what stands in it from the first owner to the last.
struct NFTLayout: Equatable, Sendable {
    enum Family: Sendable { case inet, bridge }

    let family: Family
    let name: String
    let sets: [NFTSet]
    let chains: [NFTChain]
    /// The one of the chains that calls chains of administrators: those may be there before the table is ours, and their
    /// rules keep it from going. Nil: there is none.
    var administration: String?

    /// The sets that are sets of the kernel too.
    var realSets: [NFTSet] { sets.filter { !$0.isShared || $0.isLookedUp } }

    /// How many chains and sets there are without any owner.
    var size: Int { realSets.count + chains.count }

    /// How many rules a chain holds, and how many lead to it, where nobody has taken one away.
    func leastUse(of chain: NFTChain) -> Int {
        chain.rules.count + chains.flatMap(\.rules).count { $0.statements.contains(.jump(chain.name)) }
    }

    /// Whether it is an element that one owner has and others have to wait for.
    func isExclusive(_ element: NFTElement) -> Bool { sets.contains { $0.name == element.waiting.set } }

    /// Whether it is a shared element.
    func isShared(_ element: NFTElement) -> Bool { sets.contains { $0.isShared && $0.name == element.set } }

    /// Whether it is a shared element that stands in a set of the kernel too.
    func isLookedUp(_ element: NFTElement) -> Bool { sets.contains { $0.isLookedUp && $0.name == element.set } }
}
