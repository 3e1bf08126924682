import CNI
import JSON
import NetworkAddress
import Testing

@testable import CNINetworks

@Suite struct NewNetworkTests {
    /// A host with a link on 192.168.56.0/24, and a network `net1`.
    static let surroundings: NetworkSurroundings = {
        var surroundings = NetworkSurroundings(
            files: ["net1": "/net.d/net1.conflist"], links: ["lo", "enp0s8", "cni-taken"], bridges: ["cni-net1"])
        for (prefix, link) in [("192.168.56.7/24", "enp0s8"), ("127.0.0.1/8", "lo")] {
            if let prefix = IPPrefix(prefix) { surroundings.add(address: prefix, of: link) }
        }
        if let prefix = IPPrefix("172.18.0.0/16") {
            surroundings.occupied.append(.init(prefix, holder: "network \"net1\""))
        }
        if let prefix = IPPrefix("172.19.128.0/17") { surroundings.add(route: prefix, through: "enp0s8") }
        surroundings.add(route: .everything(.ipv4), through: "enp0s8")
        return surroundings
    }()

    /// Always the same number.
    struct Constant: RandomNumberGenerator {
        func next() -> UInt64 { 0x0123_4567_89AB_CDEF }
    }

    private func document(_ name: String = "web", _ change: (inout NewNetwork) -> Void = { _ in }) throws -> JSONValue {
        var network = NewNetwork(name: name)
        change(&network)
        var generator = Constant()
        return .object(try network.configuration(in: NewNetworkTests.surroundings, &generator))
    }

    private func plugin(
        _ index: Int = 0, _ name: String = "web", _ change: (inout NewNetwork) -> Void = { _ in }
    ) throws -> JSONField {
        try JSONField(document(name, change))["plugins"].elements()[index]
    }

    @Test func `a network of its name alone gets the first free subnet, and all plugins`() throws {
        #expect(
            try document() == [
                "cniVersion": "1.0.0", "cniVersions": ["1.0.0", "1.1.0"], "name": "web",
                "plugins": [
                    [
                        "type": "bridge", "bridge": "cni-web", "isDefaultGateway": true, "ipMasq": true,
                        "hairpinMode": true, "capabilities": ["ips": true, "mac": true],
                        "ipam": [
                            "type": "host-local", "ranges": [[["subnet": "172.20.0.0/16", "gateway": "172.20.0.1"]]],
                        ],
                    ],
                    ["type": "portmap", "capabilities": ["portMappings": true]],
                    ["type": "firewall", "ingressPolicy": "same-bridge"], ["type": "tuning"],
                ],
            ])
    }

    @Test func `what is written can be read as a network`() throws {
        let list = try NetworkConfigurationList(JSONField(try document { $0.hasIPv6 = true }))
        #expect(list.plugins.map(\.type) == ["bridge", "portmap", "firewall", "tuning"])
        let outline = NetworkOutline(list)
        #expect(outline.bridge == "cni-web")
        #expect(outline.driver == "bridge")
        #expect(outline.ranges.map(\.subnet.length) == [16, 64])
        #expect(outline.ranges.last?.subnet.first.bytes.first == 0xFD)
        #expect(outline.ranges.first?.gateway.description == "172.20.0.1")
    }

    @Test func `gateway, range and auxiliary addresses go to the subnet that holds them`() throws {
        let bridge = try plugin {
            $0.subnets = ["10.1.0.0/16", "fd00:1::/64", "10.2.0.0/24"]
            $0.gateways = ["fd00:1::9", "10.1.0.254"]
            $0.ranges = ["10.1.0.0/24", "10.2.0.128/25"]
            $0.auxiliaries = ["router=10.1.0.7", "again=10.1.0.7", "printer=10.1.0.8"]
        }
        #expect(
            try bridge["ipam"]["ranges"].value == [
                [
                    [
                        "subnet": "10.1.0.0/16", "gateway": "10.1.0.254", "rangeStart": "10.1.0.1",
                        "rangeEnd": "10.1.0.255", "exclude": ["10.1.0.7", "10.1.0.8"],
                    ]
                ],
                [["subnet": "fd00:1::/64", "gateway": "fd00:1::9"]],
                [
                    [
                        "subnet": "10.2.0.0/24", "gateway": "10.2.0.1", "rangeStart": "10.2.0.128",
                        "rangeEnd": "10.2.0.254",
                    ]
                ],
            ])
    }

    @Test func `an internal network has a gateway for the host, no default route and no masquerading`() throws {
        let bridge = try plugin {
            $0.isInternal = true
            $0.backend = .nftables
        }
        #expect(try bridge["isGateway"].bool() == true)
        #expect(try bridge["isDefaultGateway"].isAbsent)
        #expect(try bridge["ipMasq"].bool() == false)
        #expect(try bridge["ipMasqBackend"].isAbsent)
    }

    @Test func `options and backend reach the plugins that they are for`() throws {
        let change: (inout NewNetwork) -> Void = {
            $0.options = ["mtu=1400", "vlan=100", "isolate=false"]
            $0.backend = .nftables
        }
        #expect(try plugin(0, "web", change)["mtu"].value == 1400)
        #expect(try plugin(0, "web", change)["vlan"].value == 100)
        #expect(try plugin(0, "web", change)["ipMasqBackend"].value == "nftables")
        #expect(try plugin(1, "web", change)["backend"].value == "nftables")
        #expect(
            try plugin(2, "web", change).value == [
                "type": "firewall", "backend": "nftables",
            ])
    }

    @Test func `networks are kept apart unless somebody wants it otherwise`() throws {
        #expect(try plugin(2) { _ in }.value == ["type": "firewall", "ingressPolicy": "same-bridge"])
        #expect(try plugin(2) { $0.isInternal = true }.value == ["type": "firewall", "ingressPolicy": "same-bridge"])
    }

    @Test func `a macvlan network may have a link for the host`() throws {
        func macvlan(_ options: [String]) throws -> JSONField {
            try plugin(0, "lan") {
                $0.driver = .macvlan
                $0.subnets = ["192.168.56.0/24"]
                $0.options = ["parent=enp0s8"] + options
            }
        }
        #expect(try macvlan(["host-shim=true"])["hostShim"].bool() == true)
        #expect(try macvlan(["host-shim=false"])["hostShim"].isAbsent)
        #expect(throws: NetworkRefusal.self) { try macvlan(["host-shim=true", "mode=vepa"]) }
        #expect(throws: NetworkRefusal.self) { try macvlan(["host-shim=maybe"]) }
    }

    @Test func `a macvlan network is on its parent, and may share the parent's subnet`() throws {
        let change: (inout NewNetwork) -> Void = {
            $0.driver = .macvlan
            $0.options = ["parent=enp0s8", "mode=private", "mtu=1400"]
            $0.subnets = ["192.168.56.0/24"]
            $0.ranges = ["192.168.56.128/25"]
        }
        #expect(try JSONField(document("lan", change))["plugins"].elements().count == 1)
        #expect(
            try plugin(0, "lan", change).value == [
                "type": "macvlan", "master": "enp0s8", "capabilities": ["ips": true, "mac": true], "mode": "private",
                "mtu": 1400,
                "ipam": [
                    "type": "host-local",
                    "ranges": [
                        [
                            [
                                "subnet": "192.168.56.0/24", "gateway": "192.168.56.1", "rangeStart": "192.168.56.128",
                                "rangeEnd": "192.168.56.254",
                            ]
                        ]
                    ], "routes": [["dst": "0.0.0.0/0"]],
                ],
            ])
    }

    @Test(arguments: [
        ("web", "cni-web", 0), ("elevenchars", "cni-elevenchars", 0), ("twelve-chars", nil, 0), ("taken", nil, 0),
        ("elevenchars", nil, 100), ("six-ch", "cni-six-ch", 4094),
    ])
    func `the bridge's name fits, with its VLAN's, and is nobody else's`(
        row: (name: String, bridge: String?, vlan: Int)
    ) throws {
        let bridge = try plugin(0, row.name) { if row.vlan > 0 { $0.options = ["vlan=\(row.vlan)"] } }["bridge"]
            .string()
        let name = try #require(bridge)
        if let expected = row.bridge { #expect(name == expected) }
        #expect(name.hasPrefix("cni-") && name.utf8.count + (row.vlan > 0 ? ".\(row.vlan)".utf8.count : 0) <= 15)
        #expect(!["cni-taken", "cni-net1"].contains(name))
    }

    /// What is asked for, beside the name, and the refusal.
    static let refusals: [(String, @Sendable (inout NewNetwork) -> Void, String)] = [
        (
            "net1", { _ in },
            #"there is already a network "net1" (/net.d/net1.conflist): choose another name, or remove it first"#
        ),
        ("host", { _ in }, "network host is always there and cannot be created: choose another name"),
        ("none", { _ in }, "network none is always there and cannot be created: choose another name"),
        (
            "a/b", { _ in },
            #""a/b" is no name of a network: use a letter or digit, then letters, digits, '_', '.' or '-', 200 characters at most"#
        ),
        (
            "a", { $0.subnets = ["172.18.5.0/24"] },
            #"subnet 172.18.5.0/24 overlaps 172.18.0.0/16 of network "net1": choose another one, or leave --subnet out to get a free one"#
        ),
        (
            "a", { $0.subnets = ["192.168.0.0/16"] },
            "subnet 192.168.0.0/16 overlaps 192.168.56.0/24 of link enp0s8: choose another one, or leave --subnet out to get a free one"
        ),
        (
            "a", { $0.subnets = ["172.19.0.0/16"] },
            "subnet 172.19.0.0/16 overlaps 172.19.128.0/17 of the route through link enp0s8: choose another one, or leave --subnet out to get a free one"
        ),
        (
            "a", { $0.subnets = ["10.1.0.0/16", "10.1.5.0/24"] },
            "--subnet 10.1.5.0/24 overlaps --subnet 10.1.0.0/16: leave one of them out"
        ),
        (
            "a", { $0.subnets = ["10.1.0.5/16"] },
            "--subnet 10.1.0.5/16 is an address in a network: the network is 10.1.0.0/16"
        ),
        ("a", { $0.subnets = ["10.1.0.0"] }, #"--subnet: expected a network such as 172.18.0.0/16, found "10.1.0.0""#),
        (
            "a", { $0.subnets = ["10.1.0.0/31"] },
            "--subnet 10.1.0.0/31 is too small for containers: use a prefix of at most 30 bits"
        ),
        (
            "a", { $0.subnets = ["224.1.0.0/16"] },
            "--subnet 224.1.0.0/16 is no network for containers: use one such as 172.18.0.0/16"
        ),
        (
            "a",
            {
                $0.subnets = ["10.1.0.0/16"]; $0.gateways = ["10.2.0.1"]
            }, "--gateway 10.2.0.1 is outside subnet 10.1.0.0/16: choose an address of it"
        ),
        (
            "a",
            {
                $0.subnets = ["10.1.0.0/16"]; $0.gateways = ["10.1.0.0"]
            }, "--gateway 10.1.0.0 is no address of a host in 10.1.0.0/16: choose another one"
        ),
        (
            "a",
            {
                $0.subnets = ["10.1.0.0/16"]; $0.gateways = ["10.1.0.1", "10.1.0.2"]
            }, "--gateway 10.1.0.2 is the second one of subnet 10.1.0.0/16, after 10.1.0.1: name one only"
        ),
        (
            "a",
            {
                $0.subnets = ["10.1.0.0/16"]; $0.ranges = ["10.2.0.0/24"]
            }, "--ip-range 10.2.0.0/24 is not inside subnet 10.1.0.0/16: choose a part of it"
        ),
        (
            "a",
            {
                $0.subnets = ["10.1.0.0/16"]; $0.ranges = ["10.1.0.0/32"]
            }, "--ip-range 10.1.0.0/32 holds no address for a container: choose a larger one"
        ),
        (
            "a", { $0.auxiliaries = ["172.20.0.5"] },
            #"--aux-address: expected NAME=ADDRESS, such as router=172.18.0.9, found "172.20.0.5""#
        ),
        (
            "a", { $0.driver = .macvlan },
            "a macvlan network is on a link of the host: name it with --parent (enp0s8, cni-taken)"
        ),
        (
            "a",
            {
                $0.driver = .macvlan; $0.parent = "eth7"
            }, #"there is no link "eth7" for --parent: the host has enp0s8, cni-taken"#
        ),
        ("a", { $0.parent = "enp0s8" }, "--parent is for macvlan networks: add -d macvlan, or leave --parent out"),
        (
            "a", { $0.options = ["colour=red"] },
            #"-o: the driver bridge has no option "colour", it has isolate, mtu, vlan"#
        ),
        ("a", { $0.options = ["mtu"] }, #"-o: expected KEY=VALUE, found "mtu""#),
        ("a", { $0.options = ["mtu=9"] }, #"-o mtu: expected a whole number from 68 to 65535, found "9""#),
    ]

    @Test(arguments: refusals.indices) func `a refusal is one sentence with the remedy`(row: Int) throws {
        let (name, change, text) = NewNetworkTests.refusals[row]
        let refusal = #expect(throws: NetworkRefusal.self) { try document(name, change) }
        #expect(refusal?.description == text)
    }

    @Test func `networks that name no subnet never share one`() throws {
        var surroundings = NewNetworkTests.surroundings
        var seen: [IPPrefix] = []
        for _ in 0..<300 {
            let free = try FreeSubnet.ipv4(in: surroundings)
            #expect(!seen.contains { $0.overlaps(free) })
            seen.append(free)
            surroundings.occupied.append(.init(free, holder: "network"))
        }
        #expect(seen.prefix(2).map(\.description) == ["172.20.0.0/16", "172.21.0.0/16"])
        #expect(!seen.contains { $0.description == "192.168.48.0/20" })
    }
}
