import Foundation
import TestSupport
import Testing

/// What the keys of portmap and of its mappings change.
@Suite(.needsPortLab)
struct PortmapOptionTests {
    private let web = PortLab.name(ofContainer: 0)

    /// Two containers on a network, of which the first publishes; frames between them do not pass the packet filter.
    private func publish(
        _ backend: PacketFilterBackend, keys: String = "", _ mappings: String
    ) throws -> (network: PortNetwork, attached: String) {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        var network = try PortNetwork(ports, backend)
        network.keys = keys
        let attached = try network.attach(0)
        _ = try network.attach(1)
        try network.publish(mappings, prevResult: attached)
        return (network, attached)
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func onOneAddressOrAllOfAFamily(backend: PacketFilterBackend) throws {
        let mappings = [
            PublishedPort(8080, 80, hostIP: PortFamily.ipv4.hostAddress),
            PublishedPort(8080, 80, .udp, hostIP: PortFamily.ipv4.hostAddress),
            PublishedPort(8081, 80, hostIP: PortFamily.ipv6.hostAddress),
            PublishedPort(8082, 80, hostIP: "0.0.0.0"), PublishedPort(8083, 80, hostIP: "::"),
            PublishedPort(8084, 80, hostIP: ""),
        ]
        let (network, _) = try publish(backend, PublishedPort.json(mappings))
        let ports = network.ports
        /// The addresses of each port, and who asks; everything else is silence.
        let served: [Int: (PortFamily, String) -> Bool] = [
            8080: { $1 == PortFamily.ipv4.hostAddress }, 8081: { $1 == PortFamily.ipv6.hostAddress },
            8082: { family, _ in family == .ipv4 }, 8083: { family, _ in family == .ipv6 }, 8084: { _, _ in true },
        ]
        var rows: [PortExpectation] = []
        for (port, isServed) in served.sorted(by: { $0.key < $1.key }) {
            for family in PortFamily.allCases {
                let addresses = [family.hostAddress, family.secondHostAddress, network.gateway(family)]
                for from in [ports.outside, ports.host, ports.containers[1], ports.container] {
                    for address in addresses + (from.name == ports.host.name && family == .ipv4 ? ["127.0.0.1"] : []) {
                        let kinds: [PortProtocol] = port == 8080 ? [.tcp, .udp] : [.tcp]
                        rows += kinds.map { kind in
                            isServed(family, address)
                                ? .answer(from: from, to: address, port, kind, by: web)
                                : .silence(from: from, to: address, port, kind)
                        }
                    }
                }
            }
        }
        try expect(ports, "\(backend)", rows)
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func keysAndProtocolsAreReadInLettersOfAnyCase(backend: PacketFilterBackend) throws {
        let mappings = #"""
            [{"HostPort": 8080, "ContainerPort": 80, "Protocol": "TCP", "HostIP": ""},
             {"HostPort": 8080, "ContainerPort": 80, "Protocol": "Udp", "HostIP": ""},
             {"hostport": 8081, "CONTAINERPORT": 80, "protocol": "SCTP", "hostip": "192.0.2.1"}]
            """#
        let (network, attached) = try publish(backend, mappings)
        let outside = network.ports.outside
        try expect(
            network.ports, "\(backend)",
            [
                .answer(from: outside, to: "192.0.2.1", 8080, .tcp, by: web),
                .answer(from: outside, to: "2001:db8::1", 8080, .udp, by: web),
                .answer(from: outside, to: "192.0.2.1", 8081, .sctp, by: web),
                .silence(from: outside, to: "192.0.2.3", 8081, .sctp),
            ])
        let check = try network.call("CHECK", 0, mappings, prevResult: attached)
        #expect(check.isSuccess, "\(check)")
        try network.succeed("DEL")
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func aRangeOfPorts(backend: PacketFilterBackend) throws {
        let mappings = PublishedPort.json([
            PublishedPort(9000, 9000, range: 3), PublishedPort(9001, 9001, .udp, range: 1),
            PublishedPort(30000, 30000, .udp, hostIP: "192.0.2.1", range: 2000),
        ])
        let (network, attached) = try publish(backend, mappings)
        let ports = network.ports
        try ports.serve(in: ports.container, as: "range", on: [9000, 9001, 9002, 9003, 30000, 31999, 32000])
        var rows: [PortExpectation] = []
        for family in PortFamily.allCases {
            for from in [ports.outside, ports.host, ports.containers[1]] {
                let address = family.hostAddress
                rows += (9000...9002).map { .answer(from: from, to: address, $0, by: "range") }
                rows += [8999, 9003].map { .silence(from: from, to: address, $0) }
                rows.append(.answer(from: from, to: address, 9001, .udp, by: "range"))
                rows += [9000, 9002].map { .silence(from: from, to: address, $0, .udp) }
                rows += [30000, 31999].map {
                    family == .ipv4
                        ? .answer(from: from, to: address, $0, .udp, by: "range")
                        : .silence(from: from, to: address, $0, .udp)
                }
                rows.append(.silence(from: from, to: address, 32000, .udp))
            }
        }
        try expect(ports, "\(backend)", rows)
        for port in [9000, 9002] {
            let reply = try ports.ask(from: ports.outside, to: "192.0.2.1", port)
            #expect(reply?.port == port && reply?.source == PortFamily.ipv4.outsideAddress, "\(port)")
        }
        let check = try network.call("CHECK", 0, mappings, prevResult: attached)
        #expect(check.isSuccess, "\(check)")
        try network.succeed("DEL")
        #expect(try ports.ask(from: ports.outside, to: "192.0.2.1", 9001, timeout: 0.4) == nil)
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func whoseSourceIsTranslated(backend: PacketFilterBackend) throws {
        let mappings = PublishedPort.json(PublishedPort.all(8080, 80))
        let (never, _) = try publish(backend, keys: #""snat": false"#, mappings)
        let (always, _) = try publish(backend, keys: #""masqAll": true"#, mappings)
        for family in PortFamily.allCases {
            for kind in PortProtocol.allCases {
                try expect(
                    never.ports, "\(backend), snat false",
                    [
                        .answer(
                            from: never.ports.outside, to: family.hostAddress, 8080, kind, by: web,
                            seenAs: family.outsideAddress),
                        .answer(from: never.ports.host, to: family.hostAddress, 8080, kind, by: web),
                        // The answer of a neighbour goes past the host, and 127.0.0.1 cannot be answered at all.
                        .silence(from: never.ports.containers[1], to: family.hostAddress, 8080, kind),
                        .silence(from: never.ports.host, to: "127.0.0.1", 8080, kind),
                    ])
                try expect(
                    always.ports, "\(backend), masqAll",
                    [always.ports.outside, always.ports.host, always.ports.containers[1], always.ports.container].map {
                        .answer(
                            from: $0, to: family.hostAddress, 8080, kind, by: web, seenAs: always.gateway(family))
                    })
            }
        }
        #expect(try never.ports.host.sysctl("ipv4/conf/cni1/route_localnet") == "0")
    }

    @Test(arguments: PacketFilterBackend.iptables)
    func markedWithAnotherBitOrBySomebodyElse(backend: PacketFilterBackend) throws {
        let mappings = PublishedPort.json([PublishedPort(8080, 80)])
        let everybody = { (network: PortNetwork) in
            [network.ports.outside, network.ports.host, network.ports.containers[1]].flatMap { from in
                PortFamily.allCases.map { .answer(from: from, to: $0.hostAddress, 8080, by: self.web) }
            } + [PortExpectation.answer(from: network.ports.host, to: "127.0.0.1", 8080, by: self.web)]
        }
        let (bit, _) = try publish(backend, keys: #""markMasqBit": 7"#, mappings)
        try expect(bit.ports, "\(backend), markMasqBit", everybody(bit))
        let rules = try bit.ports.host.savedRules(backend, .ipv4)
        #expect(rules.contains { $0.contains("-j MARK --set-xmark 0x80/0x80") }, "\(rules)")

        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        var network = try PortNetwork(ports, backend)
        network.keys = #""externalSetMarkChain": "KUBE-MARK-MASQ""#
        let before = try ports.lab.snapshot(files: false)
        for program in ["iptables", "ip6tables"] {
            try ports.host.shell(
                """
                PATH='\(network.path)'
                \(program) -t nat -N KUBE-MARK-MASQ
                \(program) -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
                \(program) -t nat -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
                """)
        }
        let foreign = try ports.lab.snapshot(files: false)
        let attached = try network.attach(0)
        _ = try network.attach(1)
        try network.publish(mappings, prevResult: attached)
        try expect(ports, "\(backend), externalSetMarkChain", everybody(network))
        let check = try network.call("CHECK", 0, mappings, prevResult: attached)
        #expect(check.isSuccess, "\(check)")
        try network.succeed("DEL", 0)
        // All that others had made is still there.
        let gone = foreign.changes(to: try ports.lab.snapshot(files: false)).split(separator: "\n")
        #expect(before != foreign && !gone.contains { $0.hasPrefix("- ") && $0.contains("tables") }, "\(gone)")
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func conditionsOfTheAdministrator(backend: PacketFilterBackend) throws {
        let keys =
            backend == .nftables
            ? #""conditionsV4": ["ip", "saddr", "!=", "192.0.2.2"], "conditionsV6": ["ip6", "saddr", "2001:db8::/64"]"#
            : #""conditionsV4": ["!", "-s", "192.0.2.2/32"], "conditionsV6": ["-s", "2001:db8::/64"]"#
        let mappings = PublishedPort.json([PublishedPort(8080, 80)])
        let (network, attached) = try publish(backend, keys: keys, mappings)
        let ports = network.ports
        try expect(
            ports, "\(backend)",
            [
                .silence(from: ports.outside, to: "192.0.2.1", 8080),
                .answer(from: ports.beyond, to: "192.0.2.1", 8080, by: web),
                .answer(from: ports.outside, to: "2001:db8::1", 8080, by: web),
                .silence(from: ports.beyond, to: "2001:db8::1", 8080),
            ])
        let check = try network.call("CHECK", 0, mappings, prevResult: attached)
        #expect(check.isSuccess, "\(check)")
        try network.succeed("DEL", 0)
    }

    @Test func withoutABackendItIsThatOfTheHost() throws {
        for backend in PacketFilterBackend.allCases {
            let ports = try PortLab()
            var network = try PortNetwork(ports, backend)
            network.backendKey = nil
            // A host without iptables.
            if backend == .nftables { network.path = ports.lab.path("nothing") }
            let attached = try network.attach(0)
            let mappings = [PublishedPort(8080, 80)]
            try network.publish(mappings, prevResult: attached)
            let tables = try ports.host.filterTables()
            #expect(tables.contains(backend.table(of: .portmap)), "\(backend): \(tables)")
            #expect(tables.contains("inet cni_ports") == (backend == .nftables), "\(backend): \(tables)")
            try expect(ports, "\(backend)", [.answer(from: ports.outside, to: "192.0.2.1", 8080, by: web)])
            try network.succeed("CHECK", 0, mappings, prevResult: attached)
            try network.succeed("DEL", 0)
            #expect(try ports.ask(from: ports.outside, to: "192.0.2.1", 8080, timeout: 0.4) == nil)
        }
    }

    @Test(arguments: ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
    func thePrevResultIsPassedOnWithAllThatIsInIt(version: String) throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, .nftables, version: version)
        let family = version.hasPrefix("0") ? #""version": "4", "# : ""
        let prevResult = #"""
            {"cniVersion": "\#(version)", "interfaces": [{"name": "br7", "mac": "02:00:00:00:00:07", "x-speed": 10},
             {"name": "eth0", "sandbox": "\#(ports.container.path)", "mac": "02:00:00:00:00:08"}],
             "ips": [{\#(family)"address": "10.7.0.2/24", "gateway": "10.7.0.1", "interface": 1}],
             "routes": [{"dst": "0.0.0.0/0", "gw": "10.7.0.1", "x-note": null}],
             "dns": {"nameservers": ["10.7.0.1"], "search": ["example.test"]}, "x-unknown": {"a": [1, 2.5, "three"]}}
            """#
        try ports.host.ip("link", "add", "br7", "type", "bridge")
        try network.publish([PublishedPort(8080, 80)], prevResult: prevResult)
        try network.publish([], prevResult: prevResult)
        try network.succeed("DEL")
    }
}
