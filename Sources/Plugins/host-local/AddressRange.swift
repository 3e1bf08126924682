internal import NetworkAddress

/// A run of addresses of one network, to be handed out.
struct AddressRange: Equatable, Sendable, CustomStringConvertible {
    /// The network, without host bits.
    let subnet: IPPrefix
    /// The first and the last address that may be handed out, but for the gateway.
    let addresses: ClosedRange<IPAddress>
    let gateway: IPAddress

    /// Why addresses make no range.
    enum Failure: Error, Equatable {
        case subnetHasHostBits
        case subnetTooSmall
        case startOutside
        case endOutside
        case startAfterEnd
        case gatewayOfOtherFamily
    }

    /// Fills in what is not given: the gateway is the network's first usable address, the range all usable ones. The
    /// address of the network itself and IPv4's broadcast address are not usable, whatever the range says.
    init(
        subnet: IPPrefix, start: IPAddress? = nil, end: IPAddress? = nil, gateway: IPAddress? = nil
    ) throws(Failure) {
        guard subnet.isNetwork else { throw .subnetHasHostBits }
        guard subnet.length <= subnet.family.bitWidth - 2, let first = subnet.first.next,
            let last = subnet.family == .ipv4 ? subnet.last.previous : subnet.last
        else { throw .subnetTooSmall }
        if let start, !subnet.contains(start) { throw .startOutside }
        if let end, !subnet.contains(end) { throw .endOutside }
        if let gateway, gateway.family != subnet.family { throw .gatewayOfOtherFamily }
        let start = max(start ?? first, first)
        let end = min(end ?? last, last)
        guard start <= end else { throw .startAfterEnd }
        self.subnet = subnet
        self.addresses = start...end
        self.gateway = gateway ?? first
    }

    var family: AddressFamily { subnet.family }

    func overlaps(_ other: AddressRange) -> Bool { addresses.overlaps(other.addresses) }

    /// How many addresses lie between the ends; UInt128 because one IPv6 network can hold more than 64 bits count.
    var count: UInt128 { addresses.upperBound.number - addresses.lowerBound.number + 1 }

    var description: String { "\(addresses.lowerBound)-\(addresses.upperBound)" }
}
