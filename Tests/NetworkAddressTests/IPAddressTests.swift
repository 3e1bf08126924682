import NetworkAddress
import Testing

@Suite struct IPAddressTests {
    /// What is read, and how it is printed (RFC 5952, sections 4 and 5).
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("10.1.0.5", "10.1.0.5"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("0:0:0:0:0:0:0:0", "::"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8::0001", "2001:db8::1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:db8::0:1", "2001:db8::1"),
        ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:DB8::ABCD", "2001:db8::abcd"), ("0:0:1::", "0:0:1::"), ("1:0:0:2::", "1:0:0:2::"),
        ("fe80:0:0:0:0:0:0:1", "fe80::1"), ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"), ("0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("::ffff:10.1.0.5", "10.1.0.5"), ("64:ff9b::10.1.0.5", "64:ff9b::a01:5"),
    ])
    func `reads and prints`(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(arguments: [
        "", " ", "10.1.0", "10.1.0.256", "10.1.0.5 ", " 10.1.0.5", "10.1.0.05", "010.1.0.5", "10.1.0.-5", "10.1.0.5.6",
        "0x0a.1.0.5", "167837701", "1.2.3.4/24", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::",
        "g::",
        "fe80::1%eth0", "[::1]", "::1\0", "10.1.0.5\0", "::10.1.0.256", "١٠.1.0.5", "localhost",
        "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", String(repeating: ":", count: 1000),
    ])
    func `refuses what is no address`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [0, 1, 3, 5, 15, 17]) func `refuses other numbers of bytes`(count: Int) {
        #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test(arguments: [
        ("10.1.0.255", "10.1.1.0"), ("255.255.255.254", "255.255.255.255"), ("::", "::1"), ("::ffff", "::1:0"),
        ("fd00::ffff:ffff:ffff:ffff", "fd00:0:0:1::"),
    ])
    func `next and previous are each other's reverse`(low: String, high: String) throws {
        let (low, high) = (try #require(IPAddress(low)), try #require(IPAddress(high)))
        #expect(low.next == high)
        #expect(high.previous == low)
    }

    @Test(arguments: AddressFamily.allCases) func `nothing follows the last or comes before the first`(
        family: AddressFamily
    ) {
        #expect(IPAddress.unspecified(family).previous == nil)
        #expect(IPPrefix.everything(family).last.next == nil)
        #expect(IPPrefix.everything(family).last.previous?.next == IPPrefix.everything(family).last)
    }

    @Test func `sorts by family, then by number`() {
        let texts = ["9.0.0.0", "10.0.0.0", "255.0.0.0", "::1", "2::", "10::"]
        #expect(texts.reversed().compactMap { IPAddress($0) }.sorted().map(\.description) == texts)
    }

    @Test func `bits that the family lacks are dropped`() {
        #expect(IPAddress(.ipv4, number: 0x1_0A01_0005) == IPAddress("10.1.0.5"))
    }

    @Test(arguments: [
        ("0.0.0.0", "unspecified"), ("::", "unspecified"), ("127.0.0.1", "loopback"), ("127.255.255.255", "loopback"),
        ("::1", "loopback"), ("224.0.0.1", "multicast"), ("239.255.255.255", "multicast"), ("ff02::1", "multicast"),
        ("169.254.0.1", "link-local"), ("fe80::1", "link-local"), ("febf::1", "link-local"), ("fec0::1", "none"),
        ("128.0.0.1", "none"), ("126.255.255.255", "none"), ("::2", "none"), ("223.255.255.255", "none"),
        ("240.0.0.1", "none"), ("169.253.255.255", "none"), ("169.255.0.0", "none"), ("fe7f::1", "none"),
        ("feff::1", "none"),
    ])
    func `knows the special ranges at their edges`(text: String, kind: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.isUnspecified == (kind == "unspecified"))
        #expect(address.isLoopback == (kind == "loopback"))
        #expect(address.isMulticast == (kind == "multicast"))
        #expect(address.isLinkLocal == (kind == "link-local"))
    }
}
