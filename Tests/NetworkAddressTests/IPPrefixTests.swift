import NetworkAddress
import Testing

@Suite struct IPPrefixTests {
    @Test(arguments: [
        ("10.1.0.5/16", "10.1.0.0", "10.1.255.255"), ("10.1.0.5/32", "10.1.0.5", "10.1.0.5"),
        ("10.1.0.5/31", "10.1.0.4", "10.1.0.5"), ("10.1.0.5/0", "0.0.0.0", "255.255.255.255"),
        ("fd00::5/64", "fd00::", "fd00::ffff:ffff:ffff:ffff"), ("fd00::5/128", "fd00::5", "fd00::5"),
        ("fd00::5/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("fd00::5/127", "fd00::4", "fd00::5"),
    ])
    func `knows its first and last address`(text: String, first: String, last: String) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.description == text)
        #expect(prefix.first == IPAddress(first))
        #expect(prefix.last == IPAddress(last))
        #expect(prefix.network.isNetwork)
        #expect(prefix.isNetwork == (prefix.address == prefix.first))
        #expect(prefix.contains(prefix.address))
        #expect(prefix.contains(prefix.first) && prefix.contains(prefix.last))
        #expect(prefix.first.previous.map(prefix.contains) != true)
        #expect(prefix.last.next.map(prefix.contains) != true)
    }

    @Test(arguments: [
        "", "/", "10.1.0.5", "10.1.0.5/", "/16", "10.1.0.5/33", "10.1.0.5/-1", "10.1.0.5/+1", "10.1.0.5/016",
        "10.1.0.5/1 6",
        "10.1.0.5/16/16", "10.1.0.5/255.255.0.0", "fd00::/129", "fd00::/1000", "fd00::/٦٤", "10.1.0/16", "10.1.0.5/00",
    ])
    func `refuses what is no prefix`(text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test func `refuses lengths that the family does not have`() throws {
        let (four, six) = (try #require(IPAddress("10.0.0.1")), try #require(IPAddress("fd00::1")))
        #expect(IPPrefix(four, length: 33) == nil)
        #expect(IPPrefix(four, length: -1) == nil)
        #expect(IPPrefix(six, length: 129) == nil)
        #expect(IPPrefix(only: six).length == 128)
        #expect(IPPrefix(only: four).length == 32)
    }

    @Test(arguments: [
        ("10.1.0.0/16", "10.1.2.0/24", true), ("10.1.0.0/16", "10.2.0.0/16", false),
        ("10.0.0.0/15", "10.1.0.0/16", true),
        ("0.0.0.0/0", "1.2.3.4/32", true), ("0.0.0.0/0", "::/0", false), ("fd00::/64", "fd00::/48", true),
        ("fd00:0:0:1::/64", "fd00::/64", false), ("10.1.0.9/16", "10.1.7.7/24", true),
    ])
    func `overlap goes both ways`(one: String, other: String, expected: Bool) throws {
        let (one, other) = (try #require(IPPrefix(one)), try #require(IPPrefix(other)))
        #expect(one.overlaps(other) == expected)
        #expect(other.overlaps(one) == expected)
    }

    @Test func `an address of the other family is never inside`() throws {
        #expect(!IPPrefix.everything(.ipv4).contains(try #require(IPAddress("::1"))))
        #expect(!IPPrefix.everything(.ipv6).contains(try #require(IPAddress("10.0.0.1"))))
    }
}
