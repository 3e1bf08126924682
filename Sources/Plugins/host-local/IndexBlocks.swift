internal import LinuxSystem

/// The index is not what it says it is.
struct IndexDamage: Error {}

/// The blocks of 64 words that the index consists of: read when they are needed, changed in memory, written together.
/// The first word of each is its checksum.
final class IndexBlocks {
    static let size = 64

    private let file: WordFile?
    let isInMemoryOnly: Bool
    private var blocks: [Int: [UInt64]] = [:]
    private var changed: Set<Int> = []
    /// How many blocks there are, when all of them are new; else nil.
    private var renewedCount: Int?

    /// - Parameter file: nil where the index can only live in memory.
    init(_ file: consuming WordFile?) {
        isInMemoryOnly = file == nil
        self.file = file
    }

    /// A block, as the file has it or as it was changed.
    func block(_ number: Int) throws -> [UInt64] {
        if let block = blocks[number] { return block }
        guard renewedCount == nil else {
            let empty = [UInt64](repeating: 0, count: IndexBlocks.size)
            blocks[number] = empty
            return empty
        }
        guard let words = try file?.words(at: number * IndexBlocks.size, count: IndexBlocks.size),
            words.count == IndexBlocks.size, words[0] == IndexBlocks.checksum(number, words)
        else { throw IndexDamage() }
        blocks[number] = words
        return words
    }

    /// Changes words of a block.
    func write(_ words: [UInt64], _ number: Int, at offset: Int) throws {
        _ = try block(number)
        blocks[number, default: []].replaceSubrange(offset..<(offset + words.count), with: words)
        changed.insert(number)
    }

    /// Forgets everything and starts again with `count` empty blocks.
    func renew(count: Int) {
        renewedCount = count
        blocks = [:]
        changed = []
        blocks.reserveCapacity(count)
    }

    /// Writes what was changed, the first block last.
    func save() throws {
        if isInMemoryOnly { return }
        if let count = renewedCount {
            // An index cut short is none: a crash from here on leaves nothing that could be taken for one.
            try file?.resize(to: 0)
            var all: [UInt64] = []
            all.reserveCapacity(count * IndexBlocks.size)
            for number in 0..<count { all += sealed(number, blocks[number]) }
            try file?.write(Array(all[IndexBlocks.size...]), at: IndexBlocks.size)
            try file?.write(Array(all[..<IndexBlocks.size]), at: 0)
        } else {
            for number in changed.sorted(by: >) {
                try file?.write(sealed(number, blocks[number]), at: number * IndexBlocks.size)
            }
        }
        renewedCount = nil
        changed = []
    }

    private func sealed(_ number: Int, _ block: [UInt64]?) -> [UInt64] {
        var block = block ?? [UInt64](repeating: 0, count: IndexBlocks.size)
        block[0] = IndexBlocks.checksum(number, block)
        return block
    }

    private static func checksum(_ number: Int, _ block: [UInt64]) -> UInt64 {
        IndexHash.of(words: block.dropFirst()) ^ UInt64(number) &* 0x9E37_79B9_7F4A_7C15
    }
}
