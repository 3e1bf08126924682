internal import NetworkAddress

/// A run of addresses of one network, to be handed out.
struct AddressRange: Equatable, Sendable, CustomStringConvertible {
    /// The network, without host bits.
    let subnet: IPPrefix
    /// The first and the last address that may be handed out, but for the gateway.
    let addresses: ClosedRange<IPAddress>
    let gateway: IPAddress
    /// What is never handed out, without host bits.
    let excluded: [IPPrefix]

    /// Why addresses make no range.
    enum Failure: Error, Equatable {
        case subnetHasHostBits
        case subnetTooSmall
        case startOutside
        case endOutside
        case startAfterEnd
        case gatewayOfOtherFamily
        /// An index into what is excluded.
        case excludedOutside(Int)
    }

    /// Fills in what is not given: the gateway is the network's first usable address, the range all usable ones. The
    /// address of the network itself and IPv4's broadcast address are not usable, whatever the range says.
    init(
        subnet: IPPrefix, start: IPAddress? = nil, end: IPAddress? = nil, gateway: IPAddress? = nil,
        excluded: [IPPrefix] = []
    ) throws(Failure) {
        guard subnet.isNetwork else { throw .subnetHasHostBits }
        guard subnet.length <= subnet.family.bitWidth - 2, let first = subnet.first.next,
            let last = subnet.family == .ipv4 ? subnet.last.previous : subnet.last
        else { throw .subnetTooSmall }
        if let start, !subnet.contains(start) { throw .startOutside }
        if let end, !subnet.contains(end) { throw .endOutside }
        if let gateway, gateway.family != subnet.family { throw .gatewayOfOtherFamily }
        if let outside = excluded.firstIndex(where: { !subnet.contains($0.first) || !subnet.contains($0.last) }) {
            throw .excludedOutside(outside)
        }
        let start = max(start ?? first, first)
        let end = min(end ?? last, last)
        guard start <= end else { throw .startAfterEnd }
        self.subnet = subnet
        self.addresses = start...end
        self.gateway = gateway ?? first
        self.excluded = excluded.map(\.network)
    }

    var family: AddressFamily { subnet.family }

    func overlaps(_ other: AddressRange) -> Bool { addresses.overlaps(other.addresses) }

    /// How many addresses lie between the ends; UInt128 because one IPv6 network can hold more than 64 bits count.
    var count: UInt128 { addresses.upperBound.number - addresses.lowerBound.number + 1 }

    /// What is excluded of this range, in order and apart from each other.
    var exclusions: [ClosedRange<IPAddress>] {
        var found: [ClosedRange<IPAddress>] = []
        for prefix in excluded.sorted(by: { ($0.first, $0.length) < ($1.first, $1.length) })
        where addresses.overlaps(prefix.first...prefix.last) {
            // Of two prefixes that overlap, the one that comes first holds the other.
            if let last = found.last, last.contains(prefix.first) { continue }
            found.append((prefix.first...prefix.last).clamped(to: addresses))
        }
        return found
    }

    var description: String { "\(addresses.lowerBound)-\(addresses.upperBound)" }
}
