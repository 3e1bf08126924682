import NetworkAddress
import Testing

@testable import PacketFilter

/// Fields of keys and values in the kernel's layout.
@Suite struct NFTValueTests {
    private static func address(_ text: String) -> NFTValue { IPAddress(text).map { .address($0) } ?? .link(text) }
    private static func name(_ text: String) -> [UInt8] {
        Array(text.utf8) + [UInt8](repeating: 0, count: 16 - text.utf8.count)
    }
    private static let sixteenOnes = [UInt8](repeating: 0xFF, count: 16)

    @Test(
        arguments: [
            (address("192.0.2.1"), [192, 0, 2, 1]),
            (address("2001:db8::1"), [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            (.port(8080), [0x1F, 0x90, 0, 0]), (.port(1), [0, 1, 0, 0]), (.port(65535), [0xFF, 0xFF, 0, 0]),
            (.transport(.tcp), [6, 0, 0, 0]), (.transport(.udp), [17, 0, 0, 0]), (.transport(.sctp), [132, 0, 0, 0]),
            (MACAddress("02:00:5e:10:00:01").map { .mac($0) } ?? .link(""), [2, 0, 0x5E, 0x10, 0, 1, 0, 0]),
            (.link("cni0"), name("cni0")), (.link("fifteen-bytes-x"), name("fifteen-bytes-x")),
            (.link("ä"), name("ä")), (.chain("attachment"), []),
        ] as [(NFTValue, [UInt8])])
    func singleValues(value: NFTValue, bytes: [UInt8]) {
        #expect(value.bytes == bytes && value.lastBytes == bytes)
    }

    @Test(
        arguments: [
            (.ports(9000...9004), [0x23, 0x28, 0, 0], [0x23, 0x2C, 0, 0]),
            (.ports(1...65535), [0, 1, 0, 0], [0xFF, 0xFF, 0, 0]),
            (.everyAddress(.ipv4), [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF]),
            (.everyAddress(.ipv6), [UInt8](repeating: 0, count: 16), sixteenOnes),
        ] as [(NFTValue, [UInt8], [UInt8])])
    func intervals(value: NFTValue, first: [UInt8], last: [UInt8]) {
        #expect(value.bytes == first && value.lastBytes == last)
    }

    /// A name that no link can have must not write over what comes after it.
    @Test func namesThatAreTooLongAreCut() {
        #expect(NFTValue.link("sixteen-bytes-xx").bytes == Self.name("sixteen-bytes-x"))
    }

    @Test func keysAreTheirFieldsOneAfterTheOther() throws {
        let element = NFTElement(
            set: "port_ranges_ipv4", key: [.everyAddress(.ipv4), .transport(.tcp), .ports(80...81)],
            data: [Self.address("10.1.0.2")])
        #expect(element.keyBytes == [0, 0, 0, 0, 6, 0, 0, 0, 0, 80, 0, 0])
        #expect(element.lastKeyBytes == [255, 255, 255, 255, 6, 0, 0, 0, 0, 81, 0, 0])
        #expect(element.dataBytes == [10, 1, 0, 2])
        let link = NFTElement(set: "inside_ipv4", key: [Self.address("10.1.0.2"), .link("cni0")])
        #expect(link.keyBytes == [10, 1, 0, 2] + Self.name("cni0") && link.dataBytes == [])
    }

    /// nft's own numbers, six bits a type, which `nft list` needs to print the keys.
    @Test(
        arguments: [
            ([.inetProtocol, .inetService], 12 << 6 | 13), ([.ipv4Address, .inetService], 7 << 6 | 13),
            ([.ipv6Address, .inetProtocol, .inetService], (8 << 6 | 12) << 6 | 13),
            ([.interfaceName, .interfaceName, .ipv4Address], (41 << 6 | 41) << 6 | 7),
            ([.interfaceName, .etherAddress], 41 << 6 | 9), ([.ipv4Address], 7), ([.interfaceName], 41),
            ([.verdict], 0xFFFF_FF00), ([], 0),
        ] as [([NFTType], UInt32)])
    func numbersOfTypes(types: [NFTType], number: UInt32) {
        #expect(NFTType.number(of: types) == number)
    }

    @Test func lengthsOfTypes() {
        let types: [NFTType] = [
            .ipv4Address, .ipv6Address, .etherAddress, .inetProtocol, .inetService, .interfaceName, .verdict,
        ]
        #expect(types.map(\.length) == [4, 16, 6, 1, 2, 16, 0])
        #expect(types.map(\.paddedLength) == [4, 16, 8, 4, 4, 16, 0])
        for set in NFTElementTests.sets {
            for element in NFTElementTests.elements(of: set) {
                #expect(element.keyBytes.count == set.key.reduce(0) { $0 + $1.paddedLength }, "\(element)")
                #expect(element.dataBytes.count == set.data.reduce(0) { $0 + $1.paddedLength }, "\(element)")
            }
        }
    }
}
