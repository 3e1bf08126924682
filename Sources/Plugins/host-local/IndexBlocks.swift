internal import LinuxSystem

/// The index is not what it says it is.
struct IndexDamage: Error {}

/// The blocks of 64 words that the index consists of: read when they are needed, changed in memory, written together.
/// The first word of each is its checksum.
final class IndexBlocks {
    static let size = 64

    private let file: WordFile?
    let isInMemoryOnly: Bool
    /// A block in memory.
    private struct Block {
        let number: Int
        var words: [UInt64]
        var isChanged: Bool
    }

    /// By number. A command sees a handful of blocks; one that makes the index anew has them all from the start.
    private var blocks: [Block] = []
    /// Whether all blocks are new and in memory.
    private var isRenewed = false

    /// - Parameter file: nil where the index can only live in memory.
    init(_ file: consuming WordFile?) {
        isInMemoryOnly = file == nil
        self.file = file
    }

    /// A block, as the file has it or as it was changed.
    func block(_ number: Int) throws -> [UInt64] { blocks[try position(of: number)].words }

    /// Changes words of a block.
    func write(_ words: [UInt64], _ number: Int, at offset: Int) throws {
        let position = try position(of: number)
        blocks[position].words.replaceSubrange(offset..<(offset + words.count), with: words)
        blocks[position].isChanged = true
    }

    /// Forgets everything and starts again with `count` empty blocks.
    func renew(count: Int) {
        isRenewed = true
        let empty = [UInt64](repeating: 0, count: IndexBlocks.size)
        blocks = (0..<count).map { Block(number: $0, words: empty, isChanged: false) }
    }

    /// Where in memory a block is, read from the file when it is asked for first.
    private func position(of number: Int) throws -> Int {
        var (low, high) = (0, blocks.count)
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].number < number { low = middle + 1 } else { high = middle }
        }
        if low < blocks.count, blocks[low].number == number { return low }
        guard !isRenewed, let words = try file?.words(at: number * IndexBlocks.size, count: IndexBlocks.size),
            words.count == IndexBlocks.size, words[0] == IndexBlocks.checksum(number, words)
        else { throw IndexDamage() }
        blocks.insert(Block(number: number, words: words, isChanged: false), at: low)
        return low
    }

    /// Writes what was changed, the first block last.
    func save() throws {
        if isInMemoryOnly { return }
        if isRenewed {
            // An index cut short is none: a crash from here on leaves nothing that could be taken for one.
            try file?.resize(to: 0)
            var all: [UInt64] = []
            all.reserveCapacity(blocks.count * IndexBlocks.size)
            for block in blocks { all += sealed(block) }
            try file?.write(Array(all[IndexBlocks.size...]), at: IndexBlocks.size)
            try file?.write(Array(all[..<IndexBlocks.size]), at: 0)
        } else {
            for block in blocks.reversed() where block.isChanged {
                try file?.write(sealed(block), at: block.number * IndexBlocks.size)
            }
        }
        isRenewed = false
        for position in blocks.indices { blocks[position].isChanged = false }
    }

    private func sealed(_ block: Block) -> [UInt64] {
        var words = block.words
        words[0] = IndexBlocks.checksum(block.number, words)
        return words
    }

    /// The first word of a block, made of the others and of its number.
    static func checksum(_ number: Int, _ block: [UInt64]) -> UInt64 {
        IndexHash.of(words: block.dropFirst()) ^ UInt64(number) &* 0x9E37_79B9_7F4A_7C15
    }
}
