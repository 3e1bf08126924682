import CNI
import Foundation
import TestSupport
import Testing

/// What CHECK notices.
@Suite(.needsPortLab)
struct PortmapCheckTests {
    private let mappings = [
        PublishedPort(8080, 80), PublishedPort(8080, 80, .udp), PublishedPort(9090, 81, hostIP: "192.0.2.1"),
    ]

    private func parts(_ network: PortNetwork) throws -> [FilterPart] {
        network.backend == .nftables
            ? try FilterPart.parts(ofTable: "inet cni_ports", in: network.ports.lab)
            : try FilterPart.parts(of: network.backend, in: network.ports.lab)
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func eachRuleAndElementThatIsMissing(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, backend)
        let attached = try network.attach()
        try network.publish(mappings, prevResult: attached)
        let parts = try parts(network)
        #expect(parts.count >= 6, "\(parts)")
        for part in parts {
            try ports.host.shell(part.removal)
            let answer = try network.call("CHECK", 0, PublishedPort.json(mappings), prevResult: attached)
            let said = answer.error.map { $0.message + " " + $0.details } ?? ""
            #expect(!answer.isSuccess && said.contains(part.place), "without \(part): \(answer)")
            try ports.host.shell(part.restoration)
        }
        try network.succeed("CHECK", 0, mappings, prevResult: attached)
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func everythingIsMissing(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, backend)
        let attached = [try network.attach(0), try network.attach(1)]
        let before = try ports.lab.snapshot(files: false)
        try network.publish(mappings, prevResult: attached[0])
        // Some service starts its firewall anew.
        try ports.host.shell(
            """
            nft flush ruleset
            for program in iptables ip6tables; do
                for table in $(cat /proc/net/${program%tables}_tables_names); do
                    $program-legacy -t $table -F && $program-legacy -t $table -X
                done
            done
            """)
        let check = try network.call("CHECK", 0, PublishedPort.json(mappings), prevResult: attached[0])
        #expect(check.error != nil, "\(check)")
        // Others can be published, and taken away, and so can what is gone.
        try network.publish([PublishedPort(7070, 80)], 1, prevResult: attached[1])
        try network.succeed("DEL", 0)
        try expect(
            ports, "\(backend)",
            [.answer(from: ports.outside, to: "192.0.2.1", 7070, by: PortLab.name(ofContainer: 1))])
        try network.succeed("DEL", 1)
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func whatIsPublishedButNotAsAsked(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, backend)
        let attached = [try network.attach(0), try network.attach(1)]
        try network.publish(mappings, prevResult: attached[0])
        let wrong = [
            [PublishedPort(8080, 80), PublishedPort(8080, 80, .udp), PublishedPort(9091, 81, hostIP: "192.0.2.1")],
            [PublishedPort(8080, 81), PublishedPort(8080, 80, .udp), PublishedPort(9090, 81, hostIP: "192.0.2.1")],
            [PublishedPort(8080, 80), PublishedPort(8080, 80, .sctp), PublishedPort(9090, 81, hostIP: "192.0.2.1")],
            [PublishedPort(8080, 80), PublishedPort(8080, 80, .udp), PublishedPort(9090, 81, hostIP: "192.0.2.3")],
        ]
        for mappings in wrong {
            let answer = try network.call("CHECK", 0, PublishedPort.json(mappings), prevResult: attached[0])
            #expect(answer.error != nil, "\(PublishedPort.json(mappings)): \(answer)")
        }
        // Another container's address, and another container.
        for (container, prevResult) in [(0, attached[1]), (1, attached[1]), (1, attached[0])] {
            let answer = try network.call("CHECK", container, PublishedPort.json(mappings), prevResult: prevResult)
            #expect(answer.error != nil, "container \(container): \(answer)")
        }
        try network.succeed("CHECK", 0, mappings, prevResult: attached[0])
    }
}
