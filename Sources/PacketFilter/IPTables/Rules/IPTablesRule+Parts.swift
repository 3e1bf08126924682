public import NetworkAddress

extension IPTablesRule {
    /// A condition that an extension of iptables looks after (`-m`).
    public enum Match: Hashable, Sendable {
        /// No condition: holds text for people, and for those who look for their own rules.
        case comment(RuleComment)
        /// The receiver is an address of this host (`-m addrtype --dst-type LOCAL`).
        case localDestination
        /// `-m tcp --dport`; the rule names the same protocol.
        case destinationPorts(TransportProtocol, ClosedRange<UInt16>)
        /// Ports and ranges of them, in one match (`-m multiport --dports`).
        case multiport(PortSet)
        /// The bits of `mask` in the packet's mark are those of `value` (`-m mark --mark`).
        case mark(value: UInt32, mask: UInt32)
        /// It answers, or belongs to, what somebody else began (`-m conntrack --ctstate RELATED,ESTABLISHED`).
        case isAnswer
    }

    /// What happens to a packet (`-j`).
    public enum Target: Hashable, Sendable {
        /// It is counted.
        case none
        case accept
        case drop
        case `return`
        case jump(ChainName)
        /// Its receiver becomes another.
        case destination(Destination)
        /// Its sender becomes the address of the link that it leaves by.
        case masquerade
        /// The bits of `mask` in its mark are cleared, then those of `value` flipped (`MARK --set-xmark`).
        case setMark(value: UInt32, mask: UInt32)
    }

    /// A new receiver (`-j DNAT --to-destination`).
    public struct Destination: Hashable, Sendable {
        public let address: IPAddress
        /// Nil: the port stays.
        public let ports: ClosedRange<UInt16>?
        /// The port that becomes the first of ``ports``; nil: any becomes any.
        public let basePort: UInt16?

        public init(_ address: IPAddress, ports: ClosedRange<UInt16>? = nil, basePort: UInt16? = nil) {
            self.address = address
            self.ports = ports
            self.basePort = ports == nil ? nil : basePort
        }
    }

    /// As many ports as one match takes: at most 15, where a range counts as two.
    public struct PortSet: Hashable, Sendable {
        public let ranges: [ClosedRange<UInt16>]

        /// Nil where there are none or too many.
        public init?(_ ranges: [ClosedRange<UInt16>]) {
            guard !ranges.isEmpty, ranges.reduce(0, { $0 + PortSet.slots($1) }) <= PortSet.capacity else { return nil }
            self.ranges = ranges
        }

        private init(unchecked ranges: [ClosedRange<UInt16>]) {
            self.ranges = ranges
        }

        /// Any number of ranges, in as few sets as keep their order.
        static func filling(_ ranges: [ClosedRange<UInt16>]) -> [PortSet] {
            var sets: [PortSet] = []
            var current: [ClosedRange<UInt16>] = []
            var free = capacity
            for range in ranges {
                if slots(range) > free {
                    sets.append(PortSet(unchecked: current))
                    (current, free) = ([], capacity)
                }
                current.append(range)
                free -= slots(range)
            }
            return current.isEmpty ? sets : sets + [PortSet(unchecked: current)]
        }

        static let capacity = 15

        private static func slots(_ range: ClosedRange<UInt16>) -> Int { range.count == 1 ? 1 : 2 }
    }
}
