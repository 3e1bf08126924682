internal import NetworkAddress

/// The taken addresses, kept so that the next free one is found at once however many are taken.
///
/// A tree of nodes of 256 bits. A bit of a node on level 0 says that an address is taken; a bit of a node above says
/// that the node below it is full. A node without any bit set is not kept.
struct AddressTree {
    let table: IndexTable

    /// The words of a node: what it is, its prefix in two, 256 bits in four.
    static let entrySize = 7

    /// The bits of a node.
    private struct Bits {
        var words: [UInt64]

        static let none = Bits(words: [0, 0, 0, 0])

        var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
        var isFull: Bool { words.allSatisfy { $0 == .max } }

        func contains(_ bit: Int) -> Bool { words[bit >> 6] >> UInt64(bit & 63) & 1 == 1 }
        mutating func insert(_ bit: Int) { words[bit >> 6] |= 1 << UInt64(bit & 63) }
        mutating func remove(_ bit: Int) { words[bit >> 6] &= ~(1 << UInt64(bit & 63)) }

        /// The first bit at or after `start` that is not set.
        func firstClear(from start: Int) -> Int? {
            for index in (start >> 6)..<4 {
                let passed: UInt64 = index == start >> 6 ? (1 << UInt64(start & 63)) - 1 : 0
                let clear = ~(words[index] | passed)
                if clear != 0 { return index << 6 + clear.trailingZeroBitCount }
            }
            return nil
        }
    }

    /// Which node: all addresses of `family` whose number begins with `prefix`, followed by `level + 1` bytes.
    private struct Node {
        let family: AddressFamily
        let level: Int
        let prefix: UInt128

        var words: [UInt64] {
            [
                UInt64(family.rawValue) | UInt64(level + 1) << 8, UInt64(truncatingIfNeeded: prefix >> 64),
                UInt64(truncatingIfNeeded: prefix),
            ]
        }
    }

    func contains(_ address: IPAddress) throws -> Bool {
        try bits(Node(family: address.family, level: 0, prefix: address.number >> 8)).contains(
            Int(address.number & 255))
    }

    /// Marks an address as taken. Returns how many nodes there are more than before.
    func insert(_ address: IPAddress) throws -> Int {
        var added = 0
        var position = address.number
        for level in 0..<(address.family.bitWidth / 8) {
            let node = Node(family: address.family, level: level, prefix: position >> 8)
            var bits = try bits(node)
            if bits.isEmpty { added += 1 }
            bits.insert(Int(position & 255))
            try write(bits, node)
            if !bits.isFull { break }
            position >>= 8
        }
        return added
    }

    /// Marks an address as free. Returns how many nodes there are fewer than before.
    func remove(_ address: IPAddress) throws -> Int {
        var removed = 0
        var position = address.number
        for level in 0..<(address.family.bitWidth / 8) {
            let node = Node(family: address.family, level: level, prefix: position >> 8)
            var bits = try bits(node)
            let wasFull = bits.isFull
            guard bits.contains(Int(position & 255)) else { break }
            bits.remove(Int(position & 255))
            if bits.isEmpty { removed += 1 }
            try write(bits, node)
            if !wasFull { break }
            position >>= 8
        }
        return removed
    }

    /// The first address of these that is not taken: climbs past full nodes, then descends into the first that is not.
    func firstFree(in addresses: ClosedRange<IPAddress>) throws -> IPAddress? {
        let family = addresses.lowerBound.family
        var level = 0
        var position = addresses.lowerBound.number
        while true {
            let bits = try bits(Node(family: family, level: level, prefix: position >> 8))
            if let bit = bits.firstClear(from: Int(position & 255)) {
                position = position & ~255 | UInt128(bit)
                break
            }
            level += 1
            position = position >> 8 + 1
            guard level * 8 < family.bitWidth, position >> UInt128(family.bitWidth - level * 8) == 0 else { return nil }
        }
        while level > 0 {
            level -= 1
            let bits = try bits(Node(family: family, level: level, prefix: position))
            guard let bit = bits.firstClear(from: 0) else { throw IndexDamage() }
            position = position << 8 | UInt128(bit)
        }
        let free = IPAddress(family, number: position)
        return free <= addresses.upperBound ? free : nil
    }

    private func bits(_ node: Node) throws -> Bits {
        guard let place = try place(of: node) else { return .none }
        let start = place.offset + 3
        return Bits(words: Array(try table.blocks.block(place.block)[start..<(start + 4)]))
    }

    private func write(_ bits: Bits, _ node: Node) throws {
        switch (try place(of: node), bits.isEmpty) {
        case (let place?, false): try table.blocks.write(bits.words, place.block, at: place.offset + 3)
        case (let place?, true): try table.remove(place)
        case (nil, false): try table.insert(node.words + bits.words, IndexHash.of(words: node.words))
        case (nil, true): break
        }
    }

    private func place(of node: Node) throws -> IndexTable.Place? {
        let words = node.words
        return try table.find(IndexHash.of(words: words)) { $0.starts(with: words) }
    }
}
