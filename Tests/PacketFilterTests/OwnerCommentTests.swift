import Testing

@testable import PacketFilter

@Suite struct OwnerCommentTests {
    @Test(arguments: [OwnerComment.Purpose.portForwarding, .masquerading], ["c1", String(repeating: "c", count: 300)])
    func whatIsWrittenIsRead(purpose: OwnerComment.Purpose, containerID: String) throws {
        let owner = RuleOwner(network: "my-net.1", containerID: containerID, interfaceName: "eth0")
        let comment = try OwnerComment.comment(purpose, owner)
        #expect(comment.description.utf8.count <= 255)
        let read = try #require(OwnerComment(comment))
        #expect(read.purpose == purpose)
        #expect(read.network == "my-net.1")
        #expect(read.containerID == (containerID == "c1" ? "c1" : nil))
    }

    @Test(arguments: [
        "CNI portfwd masquerade mark", "name: net id: c1", "name: \"net\"", "name: \"\" id: \"c1\"",
        "name: \"net\" id: \"\"", "name: \"net\" id: \"c1", "name: \"net\" id: \"c1\" and more",
        "DNAT name: \"net\" id: \"c1\"", "name: \"net",
    ])
    func everythingElseIsNone(text: String) throws {
        #expect(OwnerComment(try #require(RuleComment(text))) == nil)
    }

    @Test(arguments: ["", "a\nb", "a\u{7F}", "a\tb", String(repeating: "a", count: 256)])
    func commentsThatAreNone(text: String) {
        #expect(RuleComment(text) == nil)
    }

    @Test(
        arguments: [
            ("", nil), ("lo", "lo"), ("eth+", "eth+"), ("veth1a2b3c4d5e6", "veth1a2b3c4d5e6"),
            ("eth0.5@x", "eth0.5@x"), ("+", nil), ("-i", nil), ("a b", nil), ("a\"b", nil), ("e+h", nil),
            ("sixteen-bytes-xx", nil), ("eth0\n", nil),
        ] as [(String, String?)])
    func namesOfLinks(text: String, expected: String?) {
        #expect(LinkPattern(text)?.description == expected)
    }
}
