import CNI
import Testing

@Suite struct NamesTests {
    @Test(arguments: ["a", "A9", "0", "net_1.a-b", String(repeating: "x", count: 300)])
    func `good identifiers`(text: String) { #expect(Names.isIdentifier(text)) }

    @Test(arguments: ["", "_a", ".a", "-a", "a b", "a/b", "a\n", "a\0", "ä", "aä", "٣", "a:b", "a;b", "..", "a\u{301}"])
    func `bad identifiers`(text: String) { #expect(!Names.isIdentifier(text)) }

    @Test(arguments: ["eth0", "a", "123456789012345", "eth0.5", "...", "a-b_c", "é"])
    func `good interface names`(text: String) { #expect(Names.isInterfaceName(text)) }

    @Test(arguments: [
        "", ".", "..", "1234567890123456", "a/b", "a:b", "a b", "a\tb", "a\n", "a\0", "\u{7f}", "éééééééé",
    ])
    func `bad interface names`(text: String) { #expect(!Names.isInterfaceName(text)) }

    /// The kernel's isspace() takes the byte A0 for a blank, wherever in a character it stands.
    @Test(arguments: ["à", "a\u{a0}b"])
    func `an interface name with a byte that the kernel takes for a blank`(text: String) {
        #expect(!Names.isInterfaceName(text))
    }

    @Test(arguments: ["bridge", "host-local", "a.b", "my plugin", "...", "é"])
    func `good plugin types`(text: String) { #expect(Names.isPluginType(text)) }

    @Test(arguments: ["", ".", "..", "a/b", "/a", "a/", "a\\b", "a\0b", "a\nb", String(repeating: "x", count: 256)])
    func `bad plugin types`(text: String) { #expect(!Names.isPluginType(text)) }
}
