public import NetworkAddress

extension LegacyTable {
    /// Takes a table apart that the kernel handed out.
    public init(
        _ family: AddressFamily, _ table: IPTablesTable, _ information: LegacyTableInformation, entries: [UInt8]
    ) throws(PacketFilterError) {
        let layout = LegacyLayout.of(family)
        let found = try LegacyTable.split(entries[...], layout, table)
        guard found.count == Int(information.entryCount), let last = found.last, last.isError else {
            throw LegacyTable.notUnderstood(table)
        }
        // Chains are numbered in their order; a jump names the offset of the first rule behind a chain's head.
        var starts: [Int: Int] = [:]
        var borders: [(position: Int, hook: Int?)] = []
        let hooks = (0..<LegacyTableInformation.hookCount).filter(information.hasHook)
        for (position, entry) in found.dropLast().enumerated() {
            if entry.isError {
                starts[entry.end] = borders.count
                borders.append((position, nil))
            } else if let hook = hooks.first(where: { Int(information.hookEntries[$0]) == entry.start }) {
                borders.append((position, hook))
            }
        }
        guard borders.first?.position == 0, borders.count(where: { $0.hook != nil }) == hooks.count else {
            throw LegacyTable.notUnderstood(table)
        }
        var rules: [Rule] = []
        rules.reserveCapacity(found.count)
        for (position, entry) in found.enumerated() {
            guard let verdict = entry.verdict(starts) else { throw LegacyTable.notUnderstood(table) }
            rules.append(Rule(bytes: entry.bytes, verdict: verdict, position: position))
        }
        var chains: [Chain] = []
        for (number, border) in borders.enumerated() {
            let end = number + 1 < borders.count ? borders[number + 1].position : found.count - 1
            let first = border.hook == nil ? border.position + 1 : border.position
            guard first < end else { throw LegacyTable.notUnderstood(table) }
            let name = border.hook.map { LegacyTableInformation.chainNames[$0] } ?? found[border.position].errorName
            chains.append(
                Chain(
                    number: number, name: name, hook: border.hook,
                    head: border.hook == nil ? rules[border.position] : nil, rules: Array(rules[first..<(end - 1)]),
                    foot: rules[end - 1]))
        }
        self.init(
            family: family, table: table, chains: chains,
            names: Dictionary(uniqueKeysWithValues: chains.map { ($0.number, $0.name) }),
            validHooks: information.validHooks, tail: rules[found.count - 1], entryCount: found.count)
    }

    private static func notUnderstood(_ table: IPTablesTable) -> PacketFilterError {
        PacketFilterError(
            backend: .iptables, operation: "read table \(table)", cause: .unsupported,
            message: "the kernel lays it out in a way that is not understood")
    }

    /// Every entry with its place, all of them checked to be within bounds.
    private static func split(
        _ bytes: ArraySlice<UInt8>, _ layout: LegacyLayout, _ table: IPTablesTable
    ) throws(PacketFilterError) -> [Entry] {
        var entries: [Entry] = []
        var start = 0
        while start < bytes.count {
            guard start + layout.size <= bytes.count else { throw notUnderstood(table) }
            let target: UInt16 = bytes.load(start + layout.targetOffset)
            let size: UInt16 = bytes.load(start + layout.nextOffset)
            guard Int(target) >= layout.size, Int(size) >= Int(target) + LegacyExtension.headerSize + 4,
                start + Int(size) <= bytes.count
            else { throw notUnderstood(table) }
            entries.append(Entry(start: start, bytes: bytes.part(start, Int(size)), target: Int(target)))
            start += Int(size)
        }
        return entries
    }
}

/// An entry in its place.
private struct Entry {
    let start: Int
    let bytes: ArraySlice<UInt8>
    let target: Int

    var end: Int { start + bytes.count }

    private static let error = Array("ERROR".utf8)

    /// Whether it is the head of a chain, or the end of the table.
    var isError: Bool {
        bytes.part(target + 2, Entry.error.count + 1).elementsEqual(Entry.error + [0])
    }

    /// The text of an error: the name of the chain.
    var errorName: String {
        let start = target + LegacyExtension.headerSize
        return String(decoding: bytes.text(start, min(30, bytes.count - start)), as: UTF8.self)
    }

    /// Nil where it leads to no chain.
    func verdict(_ starts: [Int: Int]) -> LegacyVerdict? {
        let firstOfName: UInt8 = bytes.load(target + 2)
        if firstOfName != 0 { return .byExtension }
        let number: Int32 = bytes.load(target + LegacyExtension.headerSize)
        if number < 0 { return .fixed(number) }
        if Int(number) == end { return .next }
        return starts[Int(number)].map { .chain($0) }
    }
}
