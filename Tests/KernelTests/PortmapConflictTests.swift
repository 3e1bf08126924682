import CNI
import Foundation
import TestSupport
import Testing

/// Ports that somebody has published already.
@Suite(.needsPortLab)
struct PortmapConflictTests {
    @Test(arguments: PacketFilterBackend.allCases)
    func aTakenPortIsRefusedAndItsOwnerIsNamed(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, backend)
        var other = try PortNetwork(ports, backend, number: 2)
        other.bridge.keys = #""isGateway": true, "bridge": "cni2""#
        let attached = try network.attach(0, interface: "eth7")
        let neighbour = try network.attach(1)
        let stranger = try other.attach(1, interface: "eth1")
        let owned = [
            PublishedPort(8080, 80), PublishedPort(8080, 80, .udp, hostIP: "192.0.2.1"),
            PublishedPort(9000, 9000, range: 10),
        ]
        try network.publish(owned, prevResult: attached, interface: "eth7")
        let before = try ports.lab.snapshot(files: false)
        let conflicts: [[PublishedPort]] = [
            [PublishedPort(8080, 81)], [PublishedPort(8080, 80, .udp, hostIP: "192.0.2.1")],
            // The one that is free is not published either.
            [PublishedPort(7070, 80), PublishedPort(8080, 80)],
            [PublishedPort(9005, 80)], [PublishedPort(8995, 8995, range: 6)], [PublishedPort(9009, 9009, range: 5)],
        ]
        for mappings in conflicts {
            for (network, prevResult, interface) in [(network, neighbour, "eth0"), (other, stranger, "eth1")] {
                let answer = try network.call(
                    "ADD", 1, PublishedPort.json(mappings), prevResult: prevResult, interface: interface)
                let note = "\(backend): \(PublishedPort.json(mappings)) on \(network.name): \(answer)"
                #expect(answer.error?.code == .invalidConfiguration, "\(note)")
                let key = "runtimeConfig.portMappings[\(mappings.count - 1)].hostPort"
                let names = ["net1", "container-0", key] + (backend == .nftables ? ["eth7"] : [])
                let message = answer.error?.message ?? ""
                #expect(names.filter { !message.contains($0) } == [], "\(note)")
                expectUnchanged(before, try ports.lab.snapshot(files: false))
            }
        }
        // What only looks alike is free: another protocol, another address, the ports beside.
        let free = [
            PublishedPort(8080, 81, .sctp), PublishedPort(8080, 81, .udp, hostIP: "192.0.2.3"),
            PublishedPort(8080, 81, .udp, hostIP: "2001:db8::1"), PublishedPort(8999, 81), PublishedPort(9010, 81),
            PublishedPort(9005, 81, .udp),
        ]
        try network.publish(free, 1, prevResult: neighbour)
        let first = PortLab.name(ofContainer: 0)
        let second = PortLab.name(ofContainer: 1)
        let outside = ports.outside
        try expect(
            ports, "\(backend)",
            [
                .answer(from: outside, to: "192.0.2.1", 8080, by: first),
                .answer(from: outside, to: "192.0.2.1", 8080, .udp, by: first),
                .answer(from: outside, to: "192.0.2.3", 8080, .udp, by: second),
                .answer(from: outside, to: "2001:db8::1", 8080, .udp, by: second),
                .answer(from: outside, to: "192.0.2.1", 8080, .sctp, by: second),
                .answer(from: outside, to: "192.0.2.1", 8999, by: second),
                .answer(from: outside, to: "2001:db8::1", 9010, by: second),
                .answer(from: outside, to: "192.0.2.1", 9005, .udp, by: second),
            ])
        // Freed by DEL, it can be had.
        try network.succeed("DEL", 0, interface: "eth7")
        try other.publish([PublishedPort(8080, 81)], 1, prevResult: stranger, interface: "eth1")
        try expect(ports, "\(backend)", [.answer(from: outside, to: "192.0.2.1", 8080, by: second)])
    }

    /// Of two mappings of one port, one for each family, the right one is named.
    @Test(arguments: PacketFilterBackend.allCases, ["0.0.0.0", "::"])
    func theMappingOfTheFamilyIsNamed(backend: PacketFilterBackend, taken: String) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, backend)
        let attached = [try network.attach(0), try network.attach(1)]
        try network.publish([PublishedPort(8080, 80, hostIP: taken)], prevResult: attached[0])
        let mappings = ["0.0.0.0", "::"].map { PublishedPort(8080, 80, hostIP: $0) }
        let answer = try network.call("ADD", 1, PublishedPort.json(mappings), prevResult: attached[1])
        let key = "runtimeConfig.portMappings[\(taken == "::" ? 1 : 0)].hostPort:"
        #expect(answer.error?.message.hasPrefix(key) == true, "\(backend): \(answer)")
    }

    /// Both are asked for one port, many times: exactly one gets it.
    @Test(arguments: PacketFilterBackend.allCases)
    func ofTwoAtOnceOneGetsThePort(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, backend)
        let attached = [try network.attach(0), try network.attach(1)]
        let before = try ports.lab.snapshot(files: false)
        for round in 0..<5 {
            let answers = try inParallel(2) { container in
                try network.call(
                    "ADD", container, PublishedPort.json([PublishedPort(8080, 80)]), prevResult: attached[container])
            }
            let winners = answers.indices.filter { answers[$0].isSuccess }
            #expect(winners.count == 1, "\(backend), round \(round): \(answers)")
            if let winner = winners.first {
                let name = PortLab.name(ofContainer: winner)
                try expect(ports, "\(backend)", [.answer(from: ports.outside, to: "192.0.2.1", 8080, by: name)])
            }
            for container in 0...1 { try network.succeed("DEL", container) }
        }
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }
}
