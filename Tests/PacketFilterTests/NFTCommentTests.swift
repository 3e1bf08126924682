import Testing

@testable import PacketFilter

/// Comments as the kernel keeps them, and the owners that they name.
@Suite struct NFTCommentTests {
    @Test(arguments: ["", "a", "net/c1/eth0", "ports_ipv4 tcp . 8080 : 10.1.0.2 . 80", "ä \"q\"", longest])
    func whatIsWrittenIsRead(text: String) {
        #expect(NFTComment.text(NFTComment.bytes(text)) == text)
    }

    private static let longest = String(repeating: "x", count: 252)

    @Test func theKernelsForm() {
        #expect(NFTComment.bytes("ab") == [0, 3, 0x61, 0x62, 0])
        #expect(NFTComment.bytes("") == [0, 1, 0])
        #expect(NFTComment.bytes(Self.longest).count == 255)
    }

    @Test(
        arguments: [[], [0], [0, 1], [0, 5, 0x61, 0], [1, 3, 0x61, 0x62, 0], [4, 4, 0, 0, 0, 1]] as [[UInt8]])
    func bytesThatAreNoComment(bytes: [UInt8]) {
        #expect(NFTComment.text(bytes) == nil)
    }

    /// What follows a comment is somebody else's, and what follows a NUL is nobody's.
    @Test func onlyTheCommentIsRead() {
        #expect(NFTComment.text([0, 3, 0x61, 0x62, 0, 1, 4, 0, 0, 0, 0]) == "ab")
        #expect(NFTComment.text([0, 4, 0x61, 0, 0x62, 0]) == "a")
        #expect(NFTComment.text([0, 2, 0x61, 0x62]) == "ab")
    }

    @Test(arguments: ["x", "ä", "€", "😀"]) func whatIsTooLongIsCutBetweenCharacters(character: String) throws {
        for length in 0...8 {
            let text = String(repeating: "-", count: length) + String(repeating: character, count: 300)
            let bytes = NFTComment.bytes(text)
            let kept = try #require(NFTComment.text(bytes))
            #expect(text.hasPrefix(kept) && (249...252).contains(kept.utf8.count))
            // The kernel has room for it.
            #expect(bytes.count <= 255)
        }
    }

    @Test func ownersAreReadAgain() {
        for interface in ["eth0", "e\"th", "ä", "a b"] {
            let owner = RuleOwner(network: "net.1", containerID: "c-1", interfaceName: interface)
            let comment = NFTOwnerComment(owner)
            #expect(comment.text == "net.1/c-1/\(interface)")
            #expect(comment.owner == owner && NFTOwnerComment(comment.text).owner == owner)
            #expect(comment.description == "\(interface) of container c-1 on network net.1")
        }
    }

    @Test(arguments: ["", "net", "net/c1", "/", "//", "net//eth0", "/c1/eth0", "net/c1/"])
    func everythingElseNamesNobody(text: String) {
        #expect(NFTOwnerComment(text).owner == nil)
        #expect(NFTOwnerComment(text).description == (text.isEmpty ? "somebody unknown" : text))
    }

    /// `nft -f` reads 128 bytes; two long names that begin alike are told apart by their ends.
    @Test func ownersThatAreTooLongAreCut() {
        for interface in ["eth0", "ääääääää"] {
            let owner = RuleOwner(
                network: "net", containerID: String(repeating: "c", count: 300), interfaceName: interface)
            let other = RuleOwner(network: "net", containerID: owner.containerID + "d", interfaceName: interface)
            let comment = NFTOwnerComment(owner)
            #expect(comment.text.utf8.count <= 128 && comment.owner == nil)
            #expect(comment.description.hasPrefix("net/ccc"))
            #expect(comment != NFTOwnerComment(other))
            #expect(NFTOwnedTable.record(of: owner) != NFTOwnedTable.record(of: other))
        }
        // Of a name that is long because of its network, container and interface are kept.
        for interface in ["eth0", "ääääääää"] {
            let network = String(repeating: "n", count: 70)
            let container = String(repeating: "c", count: 64)
            let owner = RuleOwner(network: network, containerID: container, interfaceName: interface)
            let comment = NFTOwnerComment(owner)
            #expect(comment.text.utf8.count <= 128 && comment.text.hasPrefix("nnn"))
            #expect(comment.owner?.containerID == container && comment.owner?.interfaceName == interface)
            let other = RuleOwner(network: network + "m", containerID: container, interfaceName: interface)
            #expect(comment != NFTOwnerComment(other))
        }
        let fitting = RuleOwner(
            network: String(repeating: "n", count: 58), containerID: String(repeating: "c", count: 64),
            interfaceName: "eth0")
        #expect(NFTOwnerComment(fitting).owner == fitting)
    }
}
