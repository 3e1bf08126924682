import NetworkAddress
import Testing

@testable import PacketFilter

/// Elements and the texts that record them.
@Suite struct NFTElementTests {
    static let layouts = [NFTPorts.layout, NFTMasquerade.layout, NFTSpoofCheck.layout, NFTFirewall.layout]
    static let sets = layouts.flatMap(\.sets)

    /// Values of a type, some of them odd.
    static func values(_ type: NFTType, _ set: NFTSet) -> [NFTValue] {
        let isRange = set.name.contains("port_ranges")
        switch type {
        case .ipv4Address:
            return ["0.0.0.0", "255.255.255.255", "10.1.0.2"].compactMap { IPAddress($0).map(NFTValue.address) }
                + (isRange ? [.everyAddress(.ipv4)] : [])
        case .ipv6Address:
            let texts = ["::", "::1", "2001:db8:0:1:2:3:4:5", "fe80::1"]
            return texts.compactMap { IPAddress($0).map(NFTValue.address) } + (isRange ? [.everyAddress(.ipv6)] : [])
        case .etherAddress:
            return ["02:00:5e:10:00:01", "fe:ff:ff:ff:ff:ff"].compactMap { MACAddress($0) }.map { .mac($0) }
        case .inetProtocol: return TransportProtocol.allCases.map { .transport($0) }
        case .inetService: return isRange ? [.ports(1...65535), .ports(9000...9001)] : [.port(1), .port(65535)]
        case .interfaceName:
            return ["eth0", "a", "fifteen-bytes-x", "br0.100", "-x", "*", "e\"th", "$(id)", "veth@if3", "ä", "#;{}"]
                .map { .link($0) }
        case .verdict: return [.chain("attachment_a4861f4ae9_dd6ccc806f763e1c5c48")]
        }
    }

    /// As many elements as the longest list of values for one field needs.
    static func elements(of set: NFTSet) -> [NFTElement] {
        let fields = (set.key + set.data).map { values($0, set) }
        return (0..<(fields.map(\.count).max() ?? 0)).map { number in
            let chosen = fields.map { $0[number % $0.count] }
            return NFTElement(
                set: set.name, key: Array(chosen.prefix(set.key.count)), data: Array(chosen.dropFirst(set.key.count)))
        }
    }

    @Test(arguments: layouts) func whatIsWrittenIsRead(layout: NFTLayout) {
        #expect(layout.sets.count > 3)
        for set in layout.sets {
            let elements = Self.elements(of: set)
            #expect(!elements.isEmpty)
            for element in elements {
                #expect(NFTElement(element.description, sets: layout.sets) == element, "\(element)")
            }
        }
    }

    /// A record is kept as the comment of a rule: nothing of it may be cut off.
    @Test(arguments: layouts) func everyTextFitsIntoAComment(layout: NFTLayout) throws {
        let widest = try #require(IPAddress("2001:db80:1000:1000:1000:1000:1000:1000"))
        for set in layout.sets {
            let longest = (set.key + set.data).map { type -> NFTValue in
                switch type {
                case .ipv6Address: .address(widest)
                case .ipv4Address: .address(IPAddress.broadcast)
                case .inetProtocol: .transport(.sctp)
                case .inetService: .ports(10000...65535)
                default:
                    Self.values(type, set).max { $0.description.utf8.count < $1.description.utf8.count }
                        ?? .link("")
                }
            }
            let element = NFTElement(
                set: set.name, key: Array(longest.prefix(set.key.count)), data: Array(longest.dropFirst(set.key.count)))
            #expect(NFTComment.text(NFTComment.bytes(element.description)) == element.description)
        }
    }

    @Test(arguments: [
        "", " ", "ports_ipv4", "ports_ipv4 ", "ports_ipv4 tcp", "ports_ipv4 tcp . 8080", "ports_ipv4 tcp . 8080 :",
        "ports_ipv4 tcp . 8080 : 10.1.0.2", "ports_ipv4 tcp . 8080 : 10.1.0.2 . 80 . 80",
        "ports_ipv4 tcp . 8080 . 10.1.0.2 . 80", "ports_ipv4 tcp : 8080 : 10.1.0.2 . 80",
        "ports_ipv4 tcp 8080 : 10.1.0.2 . 80", "ports_ipv5 tcp . 8080 : 10.1.0.2 . 80",
        "Ports_ipv4 tcp . 8080 : 10.1.0.2 . 80", "ports_ipv4 icmp . 8080 : 10.1.0.2 . 80",
        "ports_ipv4 TCP . 8080 : 10.1.0.2 . 80", "ports_ipv4 tcp . 65536 : 10.1.0.2 . 80",
        "ports_ipv4 tcp . http : 10.1.0.2 . 80", "ports_ipv4 tcp . -80 : 10.1.0.2 . 80",
        "ports_ipv4 tcp . 80- : 10.1.0.2 . 80", "ports_ipv4 tcp . +80 : 10.1.0.2 . 80",
        "ports_ipv4 tcp . 080 : 10.1.0.2 . 80", "ports_ipv4 tcp . x-80 : 10.1.0.2 . 80",
        "ports_ipv4 tcp . 8080 : fd00::2 . 80", "ports_ipv6 tcp . 8080 : 10.1.0.2 . 80",
        "ports_ipv4 tcp . 8080 : 10.1.0.256 . 80", "ports_ipv4 tcp . 8080 : 10.1.0.2/32 . 80",
        "ports_ipv4  tcp . 8080 : 10.1.0.2 . 80", " ports_ipv4 tcp . 8080 : 10.1.0.2 . 80",
        "ports_ipv4 tcp . 8080 : 10.1.0.2 . 80 ", "ports_ipv4 tcp . 8080 : 10.1.0.2 . 80\n",
        "ports_ipv6 tcp . 8080 : FD00::2 . 80", "ports_ipv6 tcp . 8080 : fd00:0::2 . 80",
        "port_ranges_ipv4 * . tcp . 9004-9000 : 10.1.0.2", "port_ranges_ipv4 * . tcp . 1-2-3 : 10.1.0.2",
        "port_ranges_ipv4 * . tcp . 9000--9004 : 10.1.0.2", "macs veth1 . 02:00:5e:10:00",
        "macs veth1 . 02-00-5e-10-00-01", "macs veth1 . 02:00:5E:10:00:01", "to this host",
    ])
    func everythingElseIsNone(text: String) {
        #expect(NFTElement(text, sets: Self.sets) == nil)
    }

    @Test(arguments: [
        ("ports_ipv4 tcp . 8080 : 10.1.0.2 . 80", "8080/tcp", "10.1.0.2", 80),
        ("ports_ipv6 sctp . 1 : fd00::2 . 65535", "1/sctp", "fd00::2", 65535),
        ("addressed_ports_ipv4 192.0.2.1 . udp . 53 : 10.1.0.2 . 5353", "192.0.2.1:53/udp", "10.1.0.2", 5353),
        ("addressed_ports_ipv6 2001:db8::1 . tcp . 443 : fd00::2 . 8443", "[2001:db8::1]:443/tcp", "fd00::2", 8443),
        ("port_ranges_ipv4 * . tcp . 9000-9004 : 10.1.0.2", "9000-9004/tcp", "10.1.0.2", 9000),
        ("port_ranges_ipv4 192.0.2.1 . udp . 1-65535 : 10.1.0.2", "192.0.2.1:1-65535/udp", "10.1.0.2", 1),
        ("port_ranges_ipv6 * . sctp . 9000-9004 : fd00::2", "9000-9004/sctp", "fd00::2", 9000),
    ])
    func whatAnElementPublishes(text: String, mapping: String, container: String, port: UInt16) throws {
        let element = try #require(NFTElement(text, sets: Self.sets))
        let published = try #require(NFTPorts.published(by: element))
        #expect(published.mapping.description == mapping && published.mapping.containerPort == port)
        #expect(published.container.description == container)
        // A port on every address is none of the other family.
        #expect(AddressFamily.allCases.filter(published.mapping.concerns) == [published.container.family])
    }

    /// Who waits publishes nothing yet, nor does what is there for other reasons.
    @Test func whatPublishesNothing() {
        let maps = ["ports_", "addressed_ports_", "port_ranges_"]
        for set in Self.sets where !maps.contains(where: set.name.hasPrefix) {
            for element in Self.elements(of: set) {
                #expect(NFTPorts.published(by: element) == nil, "\(element)")
            }
        }
    }
}

extension IPAddress {
    fileprivate static let broadcast = IPAddress(.ipv4, number: 0xFFFF_FFFF)
}

extension NFTLayout: CustomTestStringConvertible {
    public var testDescription: String { name }
}
