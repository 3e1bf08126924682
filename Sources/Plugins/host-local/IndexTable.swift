/// A hash table in blocks of the index. An entry stands in the block that its hash names or, where that is full, in
/// one of those after it.
struct IndexTable {
    let blocks: IndexBlocks
    /// The blocks of the file that belong to the table; at least one.
    let numbers: Range<Int>
    /// How many words an entry has. The first is never 0.
    let entrySize: Int

    /// The first word of a block is its checksum; the second is 1 once an entry went to the next block for lack of room.
    private static let headerSize = 2

    /// Where an entry stands.
    struct Place {
        let block: Int
        let offset: Int
    }

    static func entriesPerBlock(_ entrySize: Int) -> Int { (IndexBlocks.size - headerSize) / entrySize }

    /// How many entries the table should hold at most, so that looking one up stays a matter of one block.
    var limit: Int { numbers.count * IndexTable.entriesPerBlock(entrySize) / 2 }

    /// The place of the first entry of this hash that `matches`.
    func find(_ hash: UInt64, _ matches: (ArraySlice<UInt64>) -> Bool) throws -> Place? {
        for number in probes(hash) {
            let block = try blocks.block(number)
            for offset in offsets where block[offset] != 0 {
                if matches(block[offset..<(offset + entrySize)]) { return Place(block: number, offset: offset) }
            }
            if block[1] == 0 { return nil }
        }
        return nil
    }

    /// Adds an entry without looking for another one like it.
    func insert(_ entry: [UInt64], _ hash: UInt64) throws {
        for number in probes(hash) {
            let block = try blocks.block(number)
            if let offset = offsets.first(where: { block[$0] == 0 }) {
                return try blocks.write(entry, number, at: offset)
            }
            if block[1] == 0 { try blocks.write([1], number, at: 1) }
        }
        throw IndexDamage()
    }

    func remove(_ place: Place) throws {
        try blocks.write([UInt64](repeating: 0, count: entrySize), place.block, at: place.offset)
    }

    /// Every entry.
    func visitAll(_ body: (ArraySlice<UInt64>) throws -> Void) throws {
        for number in numbers {
            let block = try blocks.block(number)
            for offset in offsets where block[offset] != 0 { try body(block[offset..<(offset + entrySize)]) }
        }
    }

    private var offsets: StrideTo<Int> {
        let end = IndexTable.headerSize + IndexTable.entriesPerBlock(entrySize) * entrySize
        return stride(from: IndexTable.headerSize, to: end, by: entrySize)
    }

    /// The blocks in which to look, from the one that the hash names all the way round.
    private func probes(_ hash: UInt64) -> some Sequence<Int> {
        let home = Int(hash.multipliedFullWidth(by: UInt64(numbers.count)).high)
        return (0..<numbers.count).lazy.map { numbers.lowerBound + (home + $0) % numbers.count }
    }
}
