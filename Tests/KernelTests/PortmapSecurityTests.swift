import Foundation
import TestSupport
import Testing

/// What publishing ports must not open or bend.
@Suite(.needsPortLab)
struct PortmapSecurityTests {
    private let web = PortLab.name(ofContainer: 0)

    /// CVE-2025-67499: a packet for another machine was taken for one for the host, because the port was the same.
    @Test(arguments: PacketFilterBackend.allCases, [false, true])
    func whatPassesThroughIsNotRedirected(backend: PacketFilterBackend, isBridgeFiltered: Bool) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(isBridgeFiltered)
        var network = try PortNetwork(ports, backend)
        network.bridge.keys += #", "hairpinMode": true"#
        let attached = [try network.attach(0), try network.attach(1)]
        try network.publish(PublishedPort.all(8080, 80), prevResult: attached[0])
        let rows = PortFamily.allCases.flatMap { family in
            PortProtocol.allCases.flatMap { kind -> [PortExpectation] in
                [
                    .answer(
                        from: ports.outside, to: family.beyondAddress, 8080, kind, by: PortLab.beyondName,
                        seenAs: family.outsideAddress),
                    .answer(
                        from: ports.beyond, to: family.outsideAddress, 8080, kind, by: PortLab.outsideName,
                        seenAs: family.beyondAddress),
                    .answer(from: ports.host, to: family.outsideAddress, 8080, kind, by: PortLab.outsideName),
                    .answer(
                        from: ports.container, to: family.outsideAddress, 8080, kind, by: PortLab.outsideName,
                        seenAs: network.address(family)),
                    .answer(
                        from: ports.containers[1], to: family.beyondAddress, 8080, kind, by: PortLab.beyondName,
                        seenAs: network.address(family, ofAttachment: 1)),
                    // A neighbour's own port of that number, and the container's own.
                    .answer(
                        from: ports.container, to: network.address(family, ofAttachment: 1), 8080, kind,
                        by: PortLab.name(ofContainer: 1), seenAs: network.address(family)),
                    .answer(
                        from: ports.outside, to: network.address(family), 8080, kind, by: web,
                        seenAs: family.outsideAddress),
                    .answer(from: ports.outside, to: family.hostAddress, 8080, kind, by: web),
                ]
            }
        }
        try expect(ports, "\(backend)", rows)
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func aPortOf127001IsForTheHostOnly(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        let network = try PortNetwork(ports, backend)
        let attached = [try network.attach(0), try network.attach(1)]
        try network.publish(PublishedPort.all(8080, 80, hostIP: "127.0.0.1"), prevResult: attached[0])
        try openLoopback(of: ports.outside, via: PortFamily.ipv4.hostAddress)
        for container in ports.containers { try openLoopback(of: container, via: network.gateway(.ipv4)) }
        try expect(
            ports, "\(backend)",
            PortProtocol.allCases.flatMap { kind -> [PortExpectation] in
                let others = [ports.outside] + ports.containers
                return [.answer(from: ports.host, to: "127.0.0.1", 8080, kind, by: web)]
                    + others.flatMap { from -> [PortExpectation] in
                        let addresses = [
                            "127.0.0.1", PortFamily.ipv4.hostAddress, network.gateway(.ipv4),
                            PortFamily.ipv6.hostAddress,
                        ]
                        return addresses.map { .silence(from: from, to: $0, 8080, kind) }
                    }
                    + [
                        .silence(from: ports.host, to: PortFamily.ipv4.hostAddress, 8080, kind),
                        .silence(from: ports.host, to: "::1", 8080, kind),
                    ]
            })
        try network.succeed("CHECK", 0, PublishedPort.all(8080, 80, hostIP: "127.0.0.1"), prevResult: attached[0])
    }

    /// CVE-2020-8558 and its like: with route_localnet a container could talk to what listens on 127.0.0.1 of the host.
    @Test(arguments: [nil] + PacketFilterBackend.allCases.map(Optional.some))
    func whatListensOn127001OfTheHostStaysThere(backend: PacketFilterBackend?) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        let network = try PortNetwork(ports, backend ?? .nftables)
        let attached = [try network.attach(0), try network.attach(1)]
        if backend == nil {
            // The attack works without protection, or the test would prove nothing.
            try ports.host.shell("echo 1 >/proc/sys/net/ipv4/conf/cni1/route_localnet")
        } else {
            try network.publish(PublishedPort.all(8080, 80), prevResult: attached[0])
            #expect(try ports.host.sysctl("ipv4/conf/cni1/route_localnet") == "1")
        }
        try ports.serve(
            in: ports.host, as: "secret", on: [5555], address: "127.0.0.1", protocols: [.tcp, .udp])
        let others = [ports.outside] + ports.containers
        try openLoopback(of: ports.outside, via: PortFamily.ipv4.hostAddress)
        for container in ports.containers { try openLoopback(of: container, via: network.gateway(.ipv4)) }
        for kind in [PortProtocol.tcp, .udp] {
            try expect(
                ports, "\(backend?.description ?? "unprotected")",
                [.answer(from: ports.host, to: "127.0.0.1", 5555, kind, by: "secret")]
                    + others.map { from in
                        backend == nil && from.name != ports.outside.name
                            ? .answer(from: from, to: "127.0.0.1", 5555, kind, by: "secret")
                            : .silence(from: from, to: "127.0.0.1", 5555, kind)
                    })
        }
    }

    /// A packet that claims to be from 127.0.0.1, which servers take for the host's own, does not get to one. Where the
    /// kernel is as permissive as here, nobody else drops it.
    @Test(arguments: [nil] + PacketFilterBackend.allCases.map(Optional.some))
    func whoClaimsToBe127001DoesNotReachAServer(backend: PacketFilterBackend?) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        let network = try PortNetwork(ports, backend ?? .nftables)
        let attached = [try network.attach(0), try network.attach(1)]
        if backend == nil {
            // The packet arrives without protection, or the test would prove nothing.
            try ports.host.shell(
                """
                nft 'add table ip open; add chain ip open in { type nat hook prerouting priority dstnat; };
                    add rule ip open in fib daddr type local udp dport 8080 dnat to \(network.address(.ipv4)):80'
                """)
        } else {
            try network.publish([PublishedPort(8080, 80, .udp)], prevResult: attached[0])
        }
        try ports.host.shell(
            """
            cd /proc/sys/net/ipv4/conf
            for link in all up0 cni1; do
                echo 0 >$link/rp_filter; echo 1 >$link/accept_local; echo 1 >$link/route_localnet
            done
            """)
        // Neighbours are known, for nobody answers to a 127.0.0.1 that asks for them.
        for (from, address) in [
            (ports.host, network.address(.ipv4)), (ports.outside, PortFamily.ipv4.hostAddress),
            (ports.containers[1], network.gateway(.ipv4)),
        ] { #expect(try from.ping(address).isAnswered) }
        // Before everybody else on the host; at the container whatever they claim by then, for rules may have translated it.
        try countPackets(in: ports.host, "iifname != lo ip saddr 127.0.0.1 udp dport 8080")
        try countPackets(in: ports.container, "udp dport 80")
        for (number, from) in [ports.outside, ports.containers[1]].enumerated() {
            try from.shell("echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet")
            let question = PortQuestion(
                from: from, to: PortFamily.ipv4.hostAddress, 8080, .udp, sourceAddress: "127.0.0.1", timeout: 0.4)
            _ = try ports.ask([question])
            let note = "\(backend?.description ?? "unprotected"): \(question)"
            #expect(try countedPackets(in: ports.host) == number + 1, "\(note), sent")
            #expect(try countedPackets(in: ports.container) == (backend == nil ? number + 1 : 0), "\(note), arrived")
        }
    }

    /// Counts the packets that match, from now on.
    private func countPackets(in machine: LabNamespace, _ match: String) throws {
        try machine.shell(
            """
            nft 'add table ip seen; add chain ip seen every { type filter hook prerouting priority -400; };
                add rule ip seen every \(match) counter'
            """)
    }

    private func countedPackets(in machine: LabNamespace) throws -> Int? {
        let text = try machine.shell("nft list table ip seen")
        return text.firstMatch(of: /packets (\d+)/).flatMap { Int($0.1) }
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func routeLocalnetIsOnWhereAndWhileItIsNeeded(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, backend)
        let attached = [try network.attach(0), try network.attach(1)]
        /// The links whose route_localnet is on.
        let on = {
            try ports.host.shell("cd /proc/sys/net/ipv4/conf; grep -l 1 */route_localnet || true").split(separator: "/")
                .compactMap { $0.split(separator: "\n").last.map(String.init) }.filter { $0 != "route_localnet" }
        }
        #expect(try on() == [])
        for mapping in [
            PublishedPort(8080, 80, hostIP: PortFamily.ipv4.hostAddress),
            PublishedPort(8080, 80, hostIP: PortFamily.ipv6.hostAddress), PublishedPort(8080, 80, hostIP: "::"),
        ] {
            try network.publish([mapping], prevResult: attached[0])
            #expect(try on() == [], "\(backend), \(mapping)")
            try network.succeed("DEL", 0)
        }
        for mapping in [
            PublishedPort(8080, 80), PublishedPort(8080, 80, hostIP: "0.0.0.0"),
            PublishedPort(8080, 80, hostIP: "127.0.0.1"), PublishedPort(8080, 80, .udp, hostIP: ""),
        ] {
            try network.publish([mapping], prevResult: attached[0])
            try network.publish([PublishedPort(9090, 80)], 1, prevResult: attached[1])
            #expect(try on() == ["cni1"], "\(backend), \(mapping)")
            try network.succeed("DEL", 0)
            #expect(try on() == ["cni1"], "\(backend), \(mapping), after one of two DEL")
            try network.succeed("DEL", 1)
            #expect(try on() == [], "\(backend), \(mapping), after the last DEL")
        }
    }

    /// Lets a machine send to addresses of 127.0.0.0/8 as if they were the host's, and hear the answers.
    private func openLoopback(of machine: LabNamespace, via gateway: String) throws {
        try machine.shell(
            """
            echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet
            ip address delete 127.0.0.1/8 dev lo
            ip route add 127.0.0.0/8 via \(gateway)
            """)
    }
}
