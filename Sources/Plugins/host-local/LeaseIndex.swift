internal import LinuxSystem
internal import NetworkAddress

/// Finds leases by owner, and free addresses, without looking at the leases themselves.
///
/// The index is only ever a copy of what the directory of leases says. Its first block names the state of the directory
/// that it is a copy of; see ``LeaseDirectory`` for how that goes stale and heals. All of it is changed under the
/// directory's lock.
final class LeaseIndex {
    /// One lease: the hash of its owner's text, and the address.
    struct Entry: Hashable {
        let owner: UInt64
        let address: IPAddress
    }

    /// What an index is a copy of.
    struct State: Equatable {
        /// Which boot of which machine: what was not yet written when the power went is not trusted.
        let boot: UInt64
        let directory: Directory.Identity
        let modified: Directory.Time

        /// The same directory, changed at another time.
        func modified(_ time: Directory.Time) -> State { State(boot: boot, directory: directory, modified: time) }

        fileprivate var words: [UInt64] {
            [
                boot, directory.device, directory.inode, UInt64(bitPattern: modified.seconds),
                UInt64(bitPattern: modified.nanoseconds),
            ]
        }
    }

    /// The first word after the checksum: what the file is, and the version of its layout.
    private static let magic: UInt64 = 0x484C_4958_0000_0001
    /// An owner's words: the family, the hash, the address in two.
    private static let ownerSize = 4

    private let blocks: IndexBlocks
    private var owners: IndexTable
    private var ownerCount = 0
    private var tree: AddressTree
    private var nodeCount = 0

    /// An empty index.
    ///
    /// - Parameter file: where to keep it; nil for memory only.
    init(_ file: consuming WordFile?) {
        blocks = IndexBlocks(file)
        (owners, tree) = LeaseIndex.tables(in: blocks, ownerBlocks: 1, nodeBlocks: 1)
    }

    /// Takes up what the file holds, if that is a copy of `state`.
    func load(_ state: State) -> Bool {
        guard let header = try? blocks.block(0), header[1] == LeaseIndex.magic, Array(header[2..<7]) == state.words,
            let counts = Optional(header[7..<11].map { Int(truncatingIfNeeded: $0) }),
            counts.allSatisfy({ (0..<(1 << 40)).contains($0) }), counts[0] > 0, counts[1] > 0
        else { return false }
        (owners, tree) = LeaseIndex.tables(in: blocks, ownerBlocks: counts[0], nodeBlocks: counts[1])
        (ownerCount, nodeCount) = (counts[2], counts[3])
        return true
    }

    /// Forgets everything, then holds exactly `entries`. There is room for twice as many.
    func fill(_ entries: [Entry]) throws {
        let nodes = Set(entries.map { [UInt128($0.address.family.rawValue), $0.address.number >> 8] }).count
        let ownerBlocks = entries.count * 4 / IndexTable.entriesPerBlock(LeaseIndex.ownerSize) + 16
        let nodeBlocks = nodes * 4 / IndexTable.entriesPerBlock(AddressTree.entrySize) + 16
        blocks.renew(count: 1 + ownerBlocks + nodeBlocks)
        (owners, tree) = LeaseIndex.tables(in: blocks, ownerBlocks: ownerBlocks, nodeBlocks: nodeBlocks)
        (ownerCount, nodeCount) = (0, 0)
        for entry in entries { try add(entry) }
    }

    /// Writes all changes: from now on the file is a copy of `state`. False where there is no file to write.
    func save(_ state: State) throws -> Bool {
        guard !blocks.isInMemoryOnly else { return false }
        let counts = [owners.numbers.count, tree.table.numbers.count, ownerCount, nodeCount].map { UInt64($0) }
        try blocks.write([LeaseIndex.magic] + state.words + counts, 0, at: 1)
        try blocks.save()
        return true
    }

    /// The addresses of the owners of this hash.
    func addresses(ofOwner hash: UInt64) throws -> [IPAddress] {
        var found: [IPAddress] = []
        _ = try owners.find(hash) { words in
            if words[words.startIndex + 1] == hash, let entry = LeaseIndex.entry(words) { found.append(entry.address) }
            return false
        }
        return found
    }

    func firstFree(in addresses: ClosedRange<IPAddress>) throws -> IPAddress? { try tree.firstFree(in: addresses) }

    func contains(_ address: IPAddress) throws -> Bool { try tree.contains(address) }

    func insert(_ entry: Entry) throws {
        if ownerCount >= owners.limit || nodeCount + 16 >= tree.table.limit {
            var entries: [Entry] = []
            try owners.visitAll { words in
                guard let entry = LeaseIndex.entry(words) else { throw IndexDamage() }
                entries.append(entry)
            }
            try fill(entries)
        }
        try add(entry)
    }

    func remove(_ entry: Entry) throws {
        let words = LeaseIndex.words(entry)
        guard let place = try owners.find(entry.owner, { $0.elementsEqual(words) }) else { throw IndexDamage() }
        try owners.remove(place)
        let removed = try tree.remove(entry.address)
        guard ownerCount >= 1, nodeCount >= removed else { throw IndexDamage() }
        ownerCount -= 1
        nodeCount -= removed
    }

    private func add(_ entry: Entry) throws {
        try owners.insert(LeaseIndex.words(entry), entry.owner)
        ownerCount += 1
        nodeCount += try tree.insert(entry.address)
    }

    private static func tables(
        in blocks: IndexBlocks, ownerBlocks: Int, nodeBlocks: Int
    ) -> (IndexTable, AddressTree) {
        let owners = 1..<(1 + ownerBlocks)
        let nodes = owners.upperBound..<(owners.upperBound + nodeBlocks)
        return (
            IndexTable(blocks: blocks, numbers: owners, entrySize: ownerSize),
            AddressTree(table: IndexTable(blocks: blocks, numbers: nodes, entrySize: AddressTree.entrySize))
        )
    }

    private static func words(_ entry: Entry) -> [UInt64] {
        let number = entry.address.number
        return [
            UInt64(entry.address.family.rawValue), entry.owner, UInt64(truncatingIfNeeded: number >> 64),
            UInt64(truncatingIfNeeded: number),
        ]
    }

    private static func entry(_ words: ArraySlice<UInt64>) -> Entry? {
        let start = words.startIndex
        guard let family = UInt8(exactly: words[start]).flatMap(AddressFamily.init(rawValue:)) else { return nil }
        let number = UInt128(words[start + 2]) << 64 | UInt128(words[start + 3])
        return Entry(owner: words[start + 1], address: IPAddress(family, number: number))
    }
}
