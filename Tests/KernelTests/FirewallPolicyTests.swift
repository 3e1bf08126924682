import CNI
import TestSupport
import Testing

/// Who reaches whom.
@Suite(.needsPortLab)
struct FirewallPolicyTests {
    private func name(_ container: Int) -> String { PortLab.name(ofContainer: container) }

    @Test(arguments: PacketFilterBackend.iptables)
    func containersGetThroughAFirewallThatDropsByDefault(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        let network = try FirewallNetwork(ports, backend)
        try network.dropByDefault()
        let attached = [try network.network.attach(0), try network.network.attach(1)]
        let blocked = PortFamily.allCases.map { family in
            PortExpectation.silence(from: ports.container, to: family.outsideAddress, 80)
        }
        try expect(ports, "\(backend), before", blocked)
        try network.admit(0, prevResult: attached[0])
        try network.succeed("CHECK", 0, prevResult: attached[0])
        try expect(
            ports, "\(backend)",
            PortFamily.allCases.flatMap { family -> [PortExpectation] in
                PortProtocol.allCases.map {
                    .answer(from: ports.container, to: family.outsideAddress, 80, $0, by: PortLab.outsideName)
                } + [
                    // Nobody else began to talk, and nobody else was let through.
                    .silence(from: ports.outside, to: network.address(family), 80),
                    .silence(from: ports.containers[1], to: family.outsideAddress, 80),
                ]
            })
        try network.succeed("DEL", 0)
        try expect(ports, "\(backend), after DEL", blocked)
    }

    /// Networks 1 and 2 with a policy, network 3 open.
    private func networks(
        _ ports: PortLab, _ backend: PacketFilterBackend, _ policies: [String?]
    ) throws -> [FirewallNetwork] {
        try policies.enumerated().map { try FirewallNetwork(ports, backend, number: $0 + 1, policy: $1) }
    }

    @Test(arguments: PacketFilterBackend.allCases, [false, true])
    func sameBridge(backend: PacketFilterBackend, isBridgeFiltered: Bool) throws {
        let ports = try PortLab(containers: 4)
        try ports.setBridgeFiltering(isBridgeFiltered)
        let networks = try networks(ports, backend, ["same-bridge", "same-bridge", "open"])
        // The open one in between: the order must not matter.
        let attached = [
            try networks[0].attach(0), try networks[2].attach(3), try networks[1].attach(2), try networks[0].attach(1),
        ]
        try networks[0].succeed("CHECK", 0, prevResult: attached[0])
        try networks[1].succeed("CHECK", 2, prevResult: attached[2])
        let expectations = PortFamily.allCases.flatMap { family -> [PortExpectation] in
            let first = networks[0].address(family)
            return [
                .answer(from: ports.containers[1], to: first, 80, by: name(0)),
                .answer(from: ports.containers[1], to: first, 80, .udp, by: name(0)),
                .silence(from: ports.containers[2], to: first, 80),
                .silence(from: ports.containers[2], to: first, 80, .udp),
                .silence(from: ports.containers[0], to: networks[1].address(family), 80),
                .answer(from: ports.containers[0], to: networks[2].address(family), 80, by: name(3)),
                .answer(from: ports.containers[3], to: first, 80, by: name(0)),
                .answer(from: ports.outside, to: first, 80, by: name(0)),
                .answer(from: ports.containers[0], to: family.outsideAddress, 80, by: PortLab.outsideName),
                .answer(from: ports.host, to: first, 80, by: name(0)),
            ]
        }
        try expect(ports, "\(backend)", expectations)
        // As long as one container is there, its bridge is isolated.
        try networks[0].succeed("DEL", 1)
        try expect(ports, "\(backend), after DEL of one", expectations.suffix(expectations.count - 2))
        try networks[1].succeed("DEL", 2)
        try expect(
            ports, "\(backend), after DEL of the other network",
            PortFamily.allCases.map {
                .answer(from: ports.containers[2], to: networks[0].address($0), 80, by: name(0))
            })
    }

    @Test(arguments: PacketFilterBackend.allCases, [false, true])
    func isolated(backend: PacketFilterBackend, isBridgeFiltered: Bool) throws {
        let ports = try PortLab(containers: 4)
        try ports.setBridgeFiltering(isBridgeFiltered)
        let networks = try networks(ports, backend, ["isolated", "same-bridge", nil])
        try ports.serve(in: ports.host, as: "host", on: [5555])
        var attached: [String] = []
        for (container, network) in [(0, 0), (1, 0), (2, 1), (3, 2)] {
            attached.append(try networks[network].attach(container))
        }
        // It is the port's, so that frames are kept apart that never come by the packet filter.
        let isolated = try ports.host.shell("bridge -d link show | grep 'isolated on' || true")
        #expect(isolated.split(separator: "\n").count == 2, "\(isolated)")
        for container in 0...1 {
            try networks[0].succeed("CHECK", container, prevResult: attached[container])
            let answer = try networks[0].network.callBridge("CHECK", container, prevResult: attached[container])
            #expect(answer.isSuccess, "CHECK of the bridge: \(answer)")
        }
        try expect(
            ports, "\(backend)",
            PortFamily.allCases.flatMap { family -> [PortExpectation] in
                let first = networks[0].address(family)
                return [
                    .silence(from: ports.containers[1], to: first, 80),
                    .silence(from: ports.containers[0], to: networks[0].address(family, ofAttachment: 1), 80, .udp),
                    .silence(from: ports.containers[2], to: first, 80),
                    .silence(from: ports.containers[0], to: networks[1].address(family), 80),
                    .answer(from: ports.containers[0], to: networks[2].address(family), 80, by: name(3)),
                    .answer(from: ports.outside, to: first, 80, by: name(0)),
                    .answer(from: ports.containers[0], to: family.outsideAddress, 80, by: PortLab.outsideName),
                    .answer(from: ports.containers[0], to: networks[0].network.gateway(family), 5555, by: "host"),
                ]
            })
        // The port alone does not keep who can reach the host from sending by it.
        try ports.container.shell(
            "ip route add \(networks[0].address(.ipv4, ofAttachment: 1)) via \(networks[0].network.gateway(.ipv4))")
        try expect(
            ports, "\(backend), by the host",
            [.silence(from: ports.container, to: networks[0].address(.ipv4, ofAttachment: 1), 80)])
        for container in 0...1 { try networks[0].succeed("DEL", container) }
    }

    /// Neither would hold for containers of the other one.
    @Test(arguments: PacketFilterBackend.allCases)
    func aBridgeHasOnePolicy(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        let isolated = try FirewallNetwork(ports, backend, policy: "isolated")
        var shared = isolated
        shared.policy = "same-bridge"
        for (first, second) in [(isolated, shared), (shared, isolated)] {
            let attached = [try first.network.attach(0), try first.network.attach(1)]
            try first.admit(0, prevResult: attached[0])
            let before = try ports.lab.snapshot(files: false)
            let refused = try second.call("ADD", 1, prevResult: attached[1])
            let message = refused.error?.message ?? ""
            #expect(!refused.isSuccess)
            for word in [first.policy, second.policy, first.network.containerID(0), "bridge"].compactMap({ $0 }) {
                #expect(message.contains(word), "\(backend): \(message)")
            }
            #expect(try ports.lab.snapshot(files: false) == before)
            try first.admit(1, prevResult: attached[1])
            // Whose policy it was has gone.
            for container in 0...1 { try first.succeed("DEL", container) }
            try second.admit(1, prevResult: attached[1])
            try second.succeed("DEL", 1)
            for container in 0...1 { #expect(try first.network.callBridge("DEL", container).isSuccess) }
        }
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func administratorsDecideFirst(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 4)
        try ports.setBridgeFiltering(false)
        let networks = try networks(ports, backend, ["same-bridge", "same-bridge", "open"])
        let before = try ports.lab.snapshot(files: false)
        var attached: [String] = []
        for (container, network) in [(0, 0), (1, 0), (2, 1), (3, 2)] {
            attached.append(try networks[network].network.attach(container))
        }
        let unfiltered = try ports.lab.snapshot(files: false)
        for (container, network) in [(0, 0), (1, 0), (2, 1), (3, 2)] {
            try networks[network].admit(container, prevResult: attached[container])
        }
        for family in PortFamily.allCases {
            let first = networks[0].address(family)
            try networks[0].administrate("accept", first, networks[1].address(family), family)
            try networks[0].administrate("drop", networks[2].address(family), family.outsideAddress, family)
        }
        let rows = PortFamily.allCases.flatMap { family -> [PortExpectation] in
            [
                .answer(from: ports.containers[2], to: networks[0].address(family), 80, by: name(0)),
                .answer(from: ports.containers[0], to: networks[1].address(family), 80, .udp, by: name(2)),
                .silence(from: ports.containers[2], to: networks[0].address(family, ofAttachment: 1), 80),
                .silence(from: ports.containers[3], to: family.outsideAddress, 80),
                .silence(from: ports.outside, to: networks[2].address(family), 80),
                .answer(from: ports.containers[3], to: family.beyondAddress, 80, by: PortLab.beyondName),
            ]
        }
        try expect(ports, "\(backend)", rows)
        // Whoever comes and goes, the administrator's rules are where they were, and before ours.
        try networks[0].succeed("DEL", 1)
        try networks[0].admit(1, prevResult: attached[1])
        try networks[2].succeed("CHECK", 3, prevResult: attached[3])
        try expect(ports, "\(backend), once more", rows)
        for (container, network) in [(0, 0), (1, 0), (2, 1), (3, 2)] { try networks[network].succeed("DEL", container) }
        let left = unfiltered.changes(to: try ports.lab.snapshot(files: false))
        #expect(left.contains("CNI-ADMIN") && !left.contains("container-"), "\(backend): \(left)")
        try networks[2].admit(3, prevResult: attached[3])
        try networks[0].stopAdministrating()
        try networks[2].succeed("GC", members: #""cni.dev/valid-attachments": []"#)
        expectUnchanged(unfiltered, try ports.lab.snapshot(files: false))
        #expect(unfiltered != before)
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func aPublishedPortIsReachedFromOutsideAndNotFromIsolatedBridges(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 4)
        try ports.setBridgeFiltering(false)
        let networks = try networks(ports, backend, ["same-bridge", "same-bridge", "open"])
        let attached = try networks[0].network.attach(0)
        try networks[0].network.publish(PublishedPort.all(8080, 80), prevResult: attached)
        try networks[0].admit(0, prevResult: attached)
        for (container, network) in [(1, 0), (2, 1), (3, 2)] { try networks[network].attach(container) }
        try expect(
            ports, "\(backend)",
            PortFamily.allCases.flatMap { family -> [PortExpectation] in
                [
                    .answer(
                        from: ports.outside, to: family.hostAddress, 8080, by: name(0), seenAs: family.outsideAddress),
                    .answer(from: ports.outside, to: family.hostAddress, 8080, .udp, by: name(0)),
                    .answer(from: ports.host, to: family.hostAddress, 8080, by: name(0)),
                    .answer(from: ports.containers[1], to: family.hostAddress, 8080, by: name(0)),
                    .answer(from: ports.containers[3], to: family.hostAddress, 8080, by: name(0)),
                    .silence(from: ports.containers[2], to: family.hostAddress, 8080),
                    .silence(from: ports.containers[2], to: family.hostAddress, 8080, .udp),
                ]
            })
    }
}
