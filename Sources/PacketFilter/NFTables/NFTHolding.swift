internal import MessageDigest

/// What an owner is to have in a table.
struct NFTHolding: Equatable {
    let owner: RuleOwner
    /// Rules of its own, for elements that lead to its record.
    var rules: [NFTRule] = []
    var elements: [NFTElement]
    /// The chain of the administrator that has to be called; not the owner's, and it outlives it.
    var administrator: String?

    /// The same with each element once: one that is there twice would be in its own way.
    var withoutRepetitions: NFTHolding {
        var seen: Set<NFTElement> = []
        var holding = self
        holding.elements = elements.filter { seen.insert($0).inserted }
        return holding
    }

    /// Whether there is an element with the same key, wherever it leads to.
    func hasKey(of element: NFTElement) -> Bool {
        elements.contains { $0.set == element.set && $0.key == element.key }
    }
}

extension NFTElement {
    /// The shared element by which an owner waits for this one, while another attachment of the same container has it.
    var waiting: NFTElement { NFTElement(set: NFTElement.waitingPrefix + self.set, key: key, data: data) }

    /// The element for which this one waits; nil for one that does not wait.
    var awaited: NFTElement? {
        guard self.set.hasPrefix(NFTElement.waitingPrefix) else { return nil }
        return NFTElement(set: String(self.set.dropFirst(NFTElement.waitingPrefix.count)), key: key, data: data)
    }

    fileprivate static let waitingPrefix = "waiting_"
}

extension NFTSet {
    /// The shared set of those who wait for an element of this one.
    var waiting: NFTSet { NFTSet(name: NFTElement.waitingPrefix + name, key: key, data: data, isShared: true) }
}

/// The text that stands with elements and records and says whose they are: `network/container/interface`.
///
/// `nft -f` reads comments of up to 128 bytes. What is longer is cut, in the network's name if that will do, and told from
/// others by a hash at the cut.
struct NFTOwnerComment: Equatable {
    let text: String

    init(_ owner: RuleOwner) {
        let whole = NFTOwnerComment.whole(owner)
        if whole.utf8.count <= NFTOwnerComment.longest {
            text = whole
            return
        }
        let cut = NFTOwnerComment.cut + SHA512.hexadecimal(of: whole, bytes: 10)
        // A character that is cut in two takes more bytes than it had.
        let room = NFTOwnerComment.longest - cut.utf8.count - 5
        // A container on several networks has to be known as the same one.
        let rest = "/" + owner.containerID + "/" + owner.interfaceName
        if rest.utf8.count < room {
            text = String(decoding: owner.network.utf8.prefix(room - rest.utf8.count), as: UTF8.self) + cut + rest
        } else {
            text = String(decoding: whole.utf8.prefix(room), as: UTF8.self) + cut
        }
    }

    init(_ text: String) {
        self.text = text
    }

    /// All of it, whatever its length.
    static func whole(_ owner: RuleOwner) -> String {
        owner.network + "/" + owner.containerID + "/" + owner.interfaceName
    }

    private static let longest = 128
    /// Neither networks nor containers have such a name.
    private static let cut = "…"

    /// Nil for what nobody of ours has written, or what was too long to be kept; the network's name may be cut.
    var owner: RuleOwner? {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 2).map { String(Substring($0)) }
        guard parts.count == 3, !parts[1...].contains(where: { $0.contains(NFTOwnerComment.cut) }) else { return nil }
        return RuleOwner(network: parts[0], containerID: parts[1], interfaceName: parts[2])
    }

    /// In words.
    var description: String { owner?.description ?? (text.isEmpty ? "somebody unknown" : text) }
}
