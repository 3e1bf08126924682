import Foundation
import TestSupport
import Testing

/// From where published ports are reached, and whom the container sees there.
@Suite(.needsPortLab)
struct PortmapReachabilityTests {
    /// Everybody who must reach what container 0 publishes as port 8080, by any address of the host.
    private func everybody(
        _ network: PortNetwork, _ family: PortFamily, _ kind: PortProtocol, port: Int = 8080
    ) -> [PortExpectation] {
        let ports = network.ports
        let web = PortLab.name(ofContainer: 0)
        var rows: [PortExpectation] = [
            .answer(
                from: ports.outside, to: family.hostAddress, port, kind, by: web, seenAs: family.outsideAddress),
            .answer(
                from: ports.outside, to: family.hostAddressTowardsBeyond, port, kind, by: web,
                seenAs: family.outsideAddress),
            .answer(
                from: ports.beyond, to: family.secondHostAddress, port, kind, by: web, seenAs: family.beyondAddress),
            .answer(from: ports.outside, to: network.gateway(family), port, kind, by: web),
            .answer(from: ports.host, to: family.hostAddress, port, kind, by: web),
            .answer(from: ports.host, to: family.secondHostAddress, port, kind, by: web),
            .answer(from: ports.host, to: network.gateway(family), port, kind, by: web),
        ]
        if family == .ipv4 {
            rows.append(
                .answer(from: ports.host, to: "127.0.0.1", port, kind, by: web, seenAs: network.gateway(family)))
        }
        for container in ports.containers.prefix(2) {
            rows.append(.answer(from: container, to: family.hostAddress, port, kind, by: web))
            rows.append(.answer(from: container, to: network.gateway(family), port, kind, by: web))
        }
        return rows
    }

    @Test(arguments: PacketFilterBackend.allCases, [false, true])
    func everybodyReachesAPublishedPort(backend: PacketFilterBackend, isBridgeFiltered: Bool) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(isBridgeFiltered)
        var network = try PortNetwork(ports, backend)
        if isBridgeFiltered { network.bridge.keys += #", "hairpinMode": true"# }
        let attached = try network.attach(0)
        _ = try network.attach(1)
        let mappings = PublishedPort.all(8080, 80) + PublishedPort.all(9090, 81)
        try network.publish(mappings, prevResult: attached)
        let tables = try ports.host.filterTables()
        #expect(tables.contains(backend.table(of: .portmap)), "\(backend): \(tables)")
        #expect(tables.contains("inet cni_ports") == (backend == .nftables), "\(backend): \(tables)")
        let web = PortLab.name(ofContainer: 0)
        for family in PortFamily.allCases {
            let rows = PortProtocol.allCases.flatMap { kind in
                everybody(network, family, kind)
                    + [.answer(from: ports.outside, to: family.hostAddress, 9090, kind, by: web)]
            }
            try expect(ports, "\(backend) \(family)", rows)
        }
        // What is not published is not reached, and the container's own port is still the container's.
        try expect(
            ports, "\(backend)",
            PortFamily.allCases.flatMap { family -> [PortExpectation] in
                [
                    .silence(from: ports.outside, to: family.hostAddress, 8081),
                    .silence(from: ports.outside, to: family.hostAddress, 80),
                    .answer(
                        from: ports.containers[1], to: network.address(family), 80, by: web,
                        seenAs: network.address(family, ofAttachment: 1)),
                    .answer(from: ports.outside, to: network.address(family), 8080, by: web),
                ]
            })
        try network.succeed("CHECK", 0, mappings, prevResult: attached)
        try network.succeed("DEL", 0, mappings, prevResult: attached)
        try expect(
            ports, "\(backend) after DEL",
            PortFamily.allCases.flatMap { family -> [PortExpectation] in
                [ports.outside, ports.host, ports.containers[1]].map {
                    .silence(from: $0, to: family.hostAddress, 8080)
                }
            })
    }

    @Test(arguments: PacketFilterBackend.allCases, PortFamily.allCases)
    func aNetworkOfOneFamily(backend: PacketFilterBackend, family: PortFamily) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        var network = try PortNetwork(ports, backend)
        network.bridge.ipam = PortNetwork.ranges(1, [family])
        let attached = try network.attach(0)
        _ = try network.attach(1)
        let before = try ports.lab.snapshot(files: false)
        let mappings = PublishedPort.all(8080, 80)
        try network.publish(mappings, prevResult: attached)
        try network.succeed("CHECK", 0, mappings, prevResult: attached)
        let other = try #require(PortFamily.allCases.first { $0 != family })
        try expect(
            ports, "\(backend)",
            everybody(network, family, .tcp) + everybody(network, family, .udp)
                + [.silence(from: ports.outside, to: other.hostAddress, 8080)])
        // Nothing was made for the other family.
        let made = before.changes(to: try ports.lab.snapshot(files: false))
        #expect(!made.contains(family == .ipv4 ? "ip6tables" : "iptables"), "\(made)")
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func manyPortsOfManyContainers(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 3)
        try ports.setBridgeFiltering(false)
        var networks = [try PortNetwork(ports, backend), try PortNetwork(ports, backend, number: 2)]
        networks[1].bridge.keys = #""isDefaultGateway": true, "bridge": "cni2""#
        // More than a multiport match of iptables holds, to two ports of the container, on two networks.
        var rows: [PortExpectation] = []
        for container in 0..<3 {
            let network = networks[container / 2]
            let attached = try network.attach(container)
            let first = 3000 + container * 100
            let mappings = (0..<40).map {
                PublishedPort(first + $0, $0 < 35 ? 80 : 81, $0 % 2 == 0 ? .tcp : .udp)
            }
            try network.publish(mappings, container, prevResult: attached)
            try network.succeed("CHECK", container, mappings, prevResult: attached)
            rows += mappings.enumerated().map { number, mapping in
                let family = PortFamily.allCases[number / 2 % 2]
                return .answer(
                    from: number % 3 == 0 ? ports.host : ports.outside, to: family.hostAddress, mapping.host,
                    mapping.protocol, by: PortLab.name(ofContainer: container))
            }
            // A container of the other network, too.
            rows.append(
                .answer(
                    from: ports.containers[0], to: PortFamily.ipv4.hostAddress, first,
                    by: PortLab.name(ofContainer: container)))
        }
        try expect(ports, "\(backend)", rows)
    }
}
