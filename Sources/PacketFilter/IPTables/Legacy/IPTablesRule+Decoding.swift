internal import NetworkAddress

/// A part of an entry that no ``IPTablesRule`` can say.
private struct NotUnderstood: Error {}

extension IPTablesRule {
    /// Reads an entry, whose target is `verdict` unless an extension decides; nil where any part is not understood.
    init?(legacy bytes: ArraySlice<UInt8>, _ layout: LegacyLayout, verdict: Target?) {
        do throws(NotUnderstood) {
            try self.init(reading: bytes, layout, verdict)
        } catch {
            return nil
        }
    }

    private init(
        reading bytes: ArraySlice<UInt8>, _ layout: LegacyLayout, _ verdict: Target?
    ) throws(NotUnderstood) {
        let inverse: UInt8 = bytes.load(layout.inverseFlags)
        let flags: UInt8 = bytes.load(layout.flags)
        let number: UInt16 = bytes.load(layout.protocolNumber)
        let known =
            LegacyLayout.Inverse.source | LegacyLayout.Inverse.destination | LegacyLayout.Inverse.inputLink
            | LegacyLayout.Inverse.outputLink
        guard inverse & ~known == 0, flags == (number == 0 ? 0 : layout.protocolFlag), number < 256 else {
            throw NotUnderstood()
        }
        let target: UInt16 = bytes.load(layout.targetOffset)
        var matches: [Match] = []
        var offset = layout.size
        while offset < Int(target) {
            guard offset + LegacyExtension.headerSize <= Int(target) else { throw NotUnderstood() }
            let size: UInt16 = bytes.load(offset)
            guard Int(size) >= LegacyExtension.headerSize, offset + Int(size) <= Int(target) else {
                throw NotUnderstood()
            }
            matches.append(try Match(reading: LegacyExtension(bytes.part(offset, Int(size)))))
            offset += Int(size)
        }
        let result: Target
        if let verdict {
            result = verdict
        } else {
            result = try Target(
                reading: LegacyExtension(bytes.part(Int(target), bytes.count - Int(target))), layout.family)
        }
        self.init(
            source: try IPTablesRule.prefix(
                bytes, layout, layout.source, layout.sourceMask, inverse & LegacyLayout.Inverse.source != 0),
            destination: try IPTablesRule.prefix(
                bytes, layout, layout.destination, layout.destinationMask,
                inverse & LegacyLayout.Inverse.destination != 0),
            inputLink: try IPTablesRule.link(
                bytes, layout.links, inverse & LegacyLayout.Inverse.inputLink != 0),
            outputLink: try IPTablesRule.link(
                bytes, layout.links + 16, inverse & LegacyLayout.Inverse.outputLink != 0),
            protocolNumber: IPProtocol(number: UInt8(number)), matches: matches,
            target: result)
    }

    private static func prefix(
        _ bytes: ArraySlice<UInt8>, _ layout: LegacyLayout, _ address: Int, _ mask: Int, _ isNegated: Bool
    ) throws(NotUnderstood) -> Test<IPPrefix>? {
        guard let address = IPAddress(bytes: bytes.part(address, layout.width)),
            let mask = IPAddress(bytes: bytes.part(mask, layout.width)),
            let prefix = IPPrefix(address, length: mask.number.nonzeroBitCount), prefix.mask == mask
        else { throw NotUnderstood() }
        return isNegated ? .not(prefix) : .only(prefix)
    }

    private static func link(
        _ bytes: ArraySlice<UInt8>, _ offset: Int, _ isNegated: Bool
    ) throws(NotUnderstood) -> Test<LinkPattern>? {
        let mask = bytes.part(offset + 32, 16)
        let count = mask.prefix { $0 == 0xFF }.count
        guard mask.dropFirst(count).allSatisfy({ $0 == 0 }) else { throw NotUnderstood() }
        let name = bytes.text(offset, 16)
        if count == 0 && name.isEmpty && !isNegated { return nil }
        guard let pattern = LinkPattern(String(decoding: name, as: UTF8.self)),
            count == (pattern.isPrefix ? name.count - 1 : name.count + 1)
        else { throw NotUnderstood() }
        return isNegated ? .not(pattern) : .only(pattern)
    }
}

extension IPTablesRule.Match {
    /// Reads an extension; nil where it is not understood.
    init?(_ part: LegacyExtension) {
        do throws(NotUnderstood) { try self.init(reading: part) } catch { return nil }
    }

    fileprivate init(reading part: LegacyExtension) throws(NotUnderstood) {
        let data = part.data
        if part.isKind("comment", 0, size: 256),
            let comment = RuleComment(String(decoding: data[...].text(0, 256), as: UTF8.self))
        {
            self = .comment(comment)
        } else if part.isKind("addrtype", 1, size: 8), data.starts(with: [0, 0, 4, 0, 0, 0, 0, 0]) {
            self = .localDestination
        } else if part.isKind("multiport", 1, size: 48), data[0] == 1, data[47] == 0 {
            self = .multiport(try IPTablesRule.PortSet(reading: data))
        } else if part.isKind("mark", 1, size: 12), data[8] == 0 {
            self = .mark(value: data.load(0), mask: data.load(4))
        } else if part.isKind("conntrack", 3, size: 164),
            IPTablesRule.Match.isAnswer.encoded.data.elementsEqual(data.prefix(164))
        {
            self = .isAnswer
        } else if let transport = TransportProtocol(name: part.name) {
            self = .destinationPorts(transport, try transport.destinationPorts(part))
        } else {
            throw NotUnderstood()
        }
    }
}

extension TransportProtocol {
    /// The ports of a match that looks at nothing but destination ports.
    fileprivate func destinationPorts(_ part: LegacyExtension) throws(NotUnderstood) -> ClosedRange<UInt16> {
        let data = part.data
        var lowest = 0
        switch self {
        case .tcp, .udp:
            lowest = 4
            let size = self == .tcp ? 12 : 10
            // Every source port, no option, no flags, nothing turned round.
            guard part.isKind(description, 0, size: size), data.starts(with: [0, 0, 0xFF, 0xFF]),
                data[8..<size].allSatisfy({ $0 == 0 })
            else { throw NotUnderstood() }
        case .sctp:
            guard part.isKind("sctp", 0, size: 292), data.load(284) as UInt32 == 2, data.load(288) as UInt32 == 0 else {
                throw NotUnderstood()
            }
        }
        let (first, last): (UInt16, UInt16) = (data.load(lowest), data.load(lowest + 2))
        if first > last { throw NotUnderstood() }
        return first...last
    }
}

extension IPTablesRule.PortSet {
    fileprivate init(reading data: [UInt8]) throws(NotUnderstood) {
        var ranges: [ClosedRange<UInt16>] = []
        var slot = 0
        let count = min(Int(data[1]), IPTablesRule.PortSet.capacity)
        while slot < count {
            let first: UInt16 = data.load(2 + 2 * slot)
            let isRange = data[32 + slot] != 0 && slot + 1 < count
            let last: UInt16 = isRange ? data.load(4 + 2 * slot) : first
            if first > last { throw NotUnderstood() }
            ranges.append(first...last)
            slot += isRange ? 2 : 1
        }
        guard let set = IPTablesRule.PortSet(ranges) else { throw NotUnderstood() }
        self = set
    }
}

extension IPTablesRule.Target {
    /// Reads an extension; nil where it is not understood.
    init?(_ part: LegacyExtension, _ family: AddressFamily) {
        do throws(NotUnderstood) { try self.init(reading: part, family) } catch { return nil }
    }

    fileprivate init(reading part: LegacyExtension, _ family: AddressFamily) throws(NotUnderstood) {
        let data = part.data
        if part.name == "DNAT" {
            self = .destination(try IPTablesRule.Destination(reading: part, family))
        } else if family == .ipv4, part.isKind("MASQUERADE", 0, size: 24), data.load(0) as UInt32 == 1,
            data.load(4) as UInt32 == 0
        {
            self = .masquerade
        } else if family == .ipv6, part.isKind("MASQUERADE", 0, size: 40), data.load(0) as UInt32 == 0 {
            self = .masquerade
        } else if part.isKind("MARK", 2, size: 8) {
            self = .setMark(value: data.load(0), mask: data.load(4))
        } else {
            throw NotUnderstood()
        }
    }
}

extension IPTablesRule.Destination {
    /// Reads the revision that we write, and those of older versions of iptables.
    fileprivate init(reading part: LegacyExtension, _ family: AddressFamily) throws(NotUnderstood) {
        let data = part.data
        // Where flags, the first and the last address, and the first port are.
        let (flags, first, last, ports): (Int, Int, Int, Int)
        switch (part.revision, data.count) {
        case (2, 42...): (flags, first, last, ports) = (0, 4, 20, 36)
        case (1, 40...) where family == .ipv6: (flags, first, last, ports) = (0, 4, 20, 36)
        case (0, 24...) where family == .ipv4 && data.load(0) as UInt32 == 1:
            (flags, first, last, ports) = (4, 8, 12, 16)
        default: throw NotUnderstood()
        }
        let width = family.bitWidth / 8
        let bits: UInt32 = data.load(flags)
        let has = IPTablesRule.Destination.self
        guard bits & ~(has.hasPorts | has.hasBasePort) == has.hasAddresses,
            let address = IPAddress(bytes: data[first..<(first + width)]),
            address == IPAddress(bytes: data[last..<(last + width)])
        else { throw NotUnderstood() }
        guard bits & has.hasPorts != 0 else {
            if bits & has.hasBasePort != 0 { throw NotUnderstood() }
            self.init(address)
            return
        }
        let (lowest, highest) = (UInt16(bigEndian: data.load(ports)), UInt16(bigEndian: data.load(ports + 2)))
        let base: UInt16? = bits & has.hasBasePort != 0 ? UInt16(bigEndian: data.load(40)) : nil
        if lowest > highest || (base != nil && part.revision != 2) { throw NotUnderstood() }
        self.init(address, ports: lowest...highest, basePort: base)
    }
}
