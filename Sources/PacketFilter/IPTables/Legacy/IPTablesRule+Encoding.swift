internal import NetworkAddress

// Extensions in the revisions that iptables 1.8.9 writes, so that both programs know each other's rules.

extension IPTablesRule {
    /// The entry of the rule, with a verdict that is still to be filled in where the target is one; nil where the rule
    /// is about addresses of the other family.
    func encoded(_ layout: LegacyLayout) -> [UInt8]? {
        guard let target = target.encoded(layout.family) else { return nil }
        var bytes = LegacyTable.entry(layout, matches: matches.map(\.encoded), target: target)
        for (test, address, mask, flag) in [
            (source, layout.source, layout.sourceMask, LegacyLayout.Inverse.source),
            (destination, layout.destination, layout.destinationMask, LegacyLayout.Inverse.destination),
        ] {
            guard let test else { continue }
            let prefix = test.value.network
            guard prefix.family == layout.family else { return nil }
            bytes.store(prefix.address.bytes, at: address)
            bytes.store(prefix.mask.bytes, at: mask)
            if test.isNegated { bytes[layout.inverseFlags] |= flag }
        }
        for (test, offset, flag) in [
            (inputLink, layout.links, LegacyLayout.Inverse.inputLink),
            (outputLink, layout.links + 16, LegacyLayout.Inverse.outputLink),
        ] {
            guard let test else { continue }
            let name = test.value.description.utf8
            bytes.store(name, at: offset)
            // The NUL behind a whole name counts; the plus at the end of a pattern does not.
            let count = test.value.isPrefix ? name.count - 1 : name.count + 1
            bytes.store([UInt8](repeating: 0xFF, count: count), at: offset + 32)
            if test.isNegated { bytes[layout.inverseFlags] |= flag }
        }
        if let protocolNumber {
            bytes.store(UInt16(protocolNumber.number), at: layout.protocolNumber)
            bytes[layout.flags] |= layout.protocolFlag
        }
        return bytes
    }
}

extension IPPrefix {
    /// As many bits as its length, all set.
    var mask: IPAddress { IPPrefix(IPAddress(family, number: .max), length: length)?.first ?? address }
}

extension IPTablesRule.Match {
    /// The extension that stands for it.
    var encoded: LegacyExtension {
        switch self {
        case .comment(let comment):
            var data = [UInt8](repeating: 0, count: 256)
            data.store(comment.description.utf8, at: 0)
            return LegacyExtension("comment", data)
        case .localDestination:
            // Types of the source and of the destination, one bit each (RTN_LOCAL is 2), and flags.
            return LegacyExtension("addrtype", revision: 1, [0, 0, 4, 0, 0, 0, 0, 0])
        case .destinationPorts(let transport, let ports): return transport.encoded(ports)
        case .multiport(let ports):
            var data = [UInt8](repeating: 0, count: 48)
            data[0] = 1  // destination ports
            var slot = 0
            for range in ports.ranges {
                for port in range.count == 1 ? [range.lowerBound] : [range.lowerBound, range.upperBound] {
                    data.store(port, at: 2 + 2 * slot)
                    slot += 1
                }
                // The first of two is flagged.
                if range.count > 1 { data[32 + slot - 2] = 1 }
            }
            data[1] = UInt8(slot)
            return LegacyExtension("multiport", revision: 1, data)
        case .mark(let value, let mask):
            var data = [UInt8](repeating: 0, count: 12)
            data.store(value, at: 0)
            data.store(mask, at: 4)
            return LegacyExtension("mark", revision: 1, data)
        case .isAnswer:
            // Addresses, ports and times, of which none counts; then what counts, and the states, one bit each.
            var data = [UInt8](repeating: 0, count: 164)
            data.store(UInt16(1), at: 146)
            data.store(UInt16(1 << 1 | 1 << 2), at: 150)
            return LegacyExtension("conntrack", revision: 3, data)
        }
    }
}

extension TransportProtocol {
    /// The match on a range of destination ports.
    fileprivate func encoded(_ ports: ClosedRange<UInt16>) -> LegacyExtension {
        var data: [UInt8]
        switch self {
        case .tcp, .udp:
            data = [UInt8](repeating: 0, count: self == .tcp ? 12 : 10)
            data.store(UInt16.max, at: 2)
            data.store(ports.lowerBound, at: 4)
            data.store(ports.upperBound, at: 6)
        case .sctp:
            // Only what flags name counts, but for unused kinds of chunks, which are 255.
            data = [UInt8](repeating: 0, count: 292)
            data.store(ports.lowerBound, at: 0)
            data.store(ports.upperBound, at: 2)
            for kind in 0..<4 { data[268 + 3 * kind] = 0xFF }
            data.store(UInt32(2), at: 284)
        }
        return LegacyExtension(description, data)
    }
}

extension IPTablesRule.Target {
    /// The extension that stands for it, or a verdict; nil for an address of the other family.
    func encoded(_ family: AddressFamily) -> LegacyExtension? {
        switch self {
        case .none, .jump: return .verdict(0)
        case .accept: return .verdict(-2)
        case .drop: return .verdict(-1)
        case .return: return .verdict(-5)
        case .destination(let destination): return destination.encoded(family)
        case .masquerade:
            // No range of ports: for IPv4 that is one empty range.
            return family == .ipv4
                ? LegacyExtension("MASQUERADE", [1] + [UInt8](repeating: 0, count: 23))
                : LegacyExtension("MASQUERADE", [UInt8](repeating: 0, count: 40))
        case .setMark(let value, let mask):
            var data = [UInt8](repeating: 0, count: 8)
            data.store(value, at: 0)
            data.store(mask, at: 4)
            return LegacyExtension("MARK", revision: 2, data)
        }
    }
}

extension IPTablesRule.Destination {
    /// Flags of struct nf_nat_range2.
    static let hasAddresses: UInt32 = 0x01
    static let hasPorts: UInt32 = 0x02
    static let hasBasePort: UInt32 = 0x20

    fileprivate func encoded(_ family: AddressFamily) -> LegacyExtension? {
        if address.family != family { return nil }
        var data = [UInt8](repeating: 0, count: 44)
        var flags = IPTablesRule.Destination.hasAddresses
        data.store(address.bytes, at: 4)
        data.store(address.bytes, at: 20)
        if let ports {
            flags |= IPTablesRule.Destination.hasPorts
            data.store(ports.lowerBound.bigEndian, at: 36)
            data.store(ports.upperBound.bigEndian, at: 38)
        }
        if let basePort {
            flags |= IPTablesRule.Destination.hasBasePort
            data.store(basePort.bigEndian, at: 40)
        }
        data.store(flags, at: 0)
        return LegacyExtension("DNAT", revision: 2, data)
    }
}
