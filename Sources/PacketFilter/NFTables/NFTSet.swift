internal import MessageDigest

/// A set or a map of a table of ours (`nft add set`, `nft add map`).
struct NFTSet: Equatable, Sendable {
    let name: String
    let key: [NFTType]
    /// What keys lead to; none: a set.
    var data: [NFTType] = []
    /// Whether keys hold intervals. Such a set costs more the more is in it: for what is rare only.
    var hasIntervals = false
    /// Whether its elements belong to several owners at once and go with the last one.
    ///
    /// Each is a chain of its own to which the records of its owners jump, so that the
    /// kernel counts them: an element would have to be replaced to count, and replacing one makes the process wait at its
    /// end, until no packet looks at the old one any more.
    var isShared = false
    /// Whether packets are looked up in a shared one. Then it is a set of the kernel as well: an element of it stands beside
    /// the chain, from the first owner to the last.
    var isLookedUp = false
}

/// One element of a set or a map.
struct NFTElement: Hashable, Sendable {
    /// The name of the set.
    let set: String
    let key: [NFTValue]
    var data: [NFTValue] = []

    /// The name of the chain that stands for a shared element.
    var sharedChain: String {
        var name = self.set
        for value in key {
            let text = value.description
            // What is no plain word would not be readable for `nft -f`.
            let isWord = text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == 0x5F || byte == 0x2E || byte == 0x2D
            }
            name += "_" + (isWord ? text : SHA512.hexadecimal(of: text, bytes: 8))
        }
        return name
    }

    /// The comment of an element that stands beside such a chain.
    var sharedComment: String { "of those that jump to \(sharedChain)" }

    var keyBytes: [UInt8] { key.flatMap(\.bytes) }
    var lastKeyBytes: [UInt8] { key.flatMap(\.lastBytes) }
    var dataBytes: [UInt8] { data.flatMap(\.bytes) }

    /// The chain that it leads to, in a map that chooses chains.
    var verdictChain: String? { if case .chain(let name)? = data.first { name } else { nil } }
}

extension NFTElement: CustomStringConvertible {
    /// `ports_ipv4 tcp . 8080 : 10.1.0.2 . 80`
    var description: String {
        self.set + " " + NFTElement.text(key) + (data.isEmpty ? "" : " : " + NFTElement.text(data))
    }

    private static func text(_ values: [NFTValue]) -> String {
        var text = ""
        for value in values { text += (text.isEmpty ? "" : " . ") + value.description }
        return text
    }

    /// Reads what ``description`` prints; nil for any other text, be it another way to write the same, and for sets that
    /// are not among `sets`.
    init?(_ text: String, sets: [NFTSet]) {
        let words = text.utf8.split(separator: UInt8(ascii: " ")).map { String(Substring($0)) }
        guard let name = words.first, let set = sets.first(where: { $0.name == name }) else { return nil }
        let types = set.key + set.data
        // Between the fields stand dots, between key and value a colon.
        guard words.count == 2 * types.count else { return nil }
        var values: [NFTValue] = []
        for (position, type) in types.enumerated() {
            let separator = position == 0 ? name : position == set.key.count ? ":" : "."
            guard words[2 * position] == separator, let value = NFTValue(words[2 * position + 1], type) else {
                return nil
            }
            values.append(value)
        }
        self.init(set: name, key: Array(values.prefix(set.key.count)), data: Array(values.dropFirst(set.key.count)))
        if description != text { return nil }
    }
}

extension NFTElement {
    /// An element of a set as the kernel tells it, by its key alone; nil where that is nothing that the set can hold.
    init?(set: NFTSet, key: [UInt8], lastKey: [UInt8]?) {
        var values: [NFTValue] = []
        var position = 0
        for type in set.key {
            let end = position + type.length
            guard end <= key.count else { return nil }
            let last = lastKey.flatMap { end <= $0.count ? Array($0[position..<end]) : nil }
            guard let value = NFTValue(bytes: Array(key[position..<end]), last: last, type) else { return nil }
            values.append(value)
            position += type.paddedLength
        }
        self.init(set: set.name, key: values)
    }
}
