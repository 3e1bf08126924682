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
        var (number, count) = (0, 1)
        while number < count {
            // Each time anew: what was taken away does not come back by itself.
            try network.publish(mappings, prevResult: attached)
            let parts = try parts(network)
            count = parts.count
            #expect(count >= 6, "\(backend): \(parts)")
            if count == 0 { return }
            let part = parts[number]
            // A container that the reference attached has no such rule, and is none the worse for it.
            if "\(part)".contains("-d ::1/128 -j RETURN") {
                try network.succeed("DEL", 0)
                try FilterPart.flushEverything(ports.lab)
                number += 1
                continue
            }
            try ports.host.shell(part.removal)
            let answer = try network.call("CHECK", 0, PublishedPort.json(mappings), prevResult: attached)
            let said = answer.error.map { $0.message + " " + $0.details } ?? ""
            let isNamed = part.places.contains { said.contains($0) }
            #expect(!answer.isSuccess && isNamed, "\(backend), without \(part): \(answer)")
            try network.succeed("DEL", 0)
            #expect(try ports.ask(from: ports.outside, to: "192.0.2.1", 8080, timeout: 0.4) == nil, "\(part)")
            try FilterPart.flushEverything(ports.lab)
            number += 1
        }
        try network.publish(mappings, prevResult: attached)
        try network.succeed("CHECK", 0, mappings, prevResult: attached)
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func everythingIsMissing(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, backend)
        let attached = [try network.attach(0), try network.attach(1)]
        let before = try ports.lab.snapshot(files: false)
        try network.publish(mappings, prevResult: attached[0])
        try FilterPart.flushEverything(ports.lab)
        let check = try network.call("CHECK", 0, PublishedPort.json(mappings), prevResult: attached[0])
        #expect(check.error != nil, "\(check)")
        // Others can be published, and taken away, and so can what is gone.
        try network.publish([PublishedPort(7070, 80)], 1, prevResult: attached[1])
        try network.succeed("DEL", 0)
        try expect(
            ports, "\(backend)",
            [.answer(from: ports.outside, to: "192.0.2.1", 7070, by: PortLab.name(ofContainer: 1))])
        try network.succeed("DEL", 1)
        // What route_localnet was at first is not known any more.
        let changes = before.changes(to: try ports.lab.snapshot(files: false)).split(separator: "\n")
        #expect(changes.filter { !$0.contains("route_localnet") } == [], "\(backend)")
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

    /// Rules alone do not lead from 127.0.0.1 to the container.
    @Test(arguments: PacketFilterBackend.allCases)
    func routeLocalnetIsOff(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, backend)
        let attached = try network.attach()
        try network.publish(mappings, prevResult: attached)
        for (value, isRight) in [("0", false), ("1", true)] {
            try ports.host.shell("echo \(value) >/proc/sys/net/ipv4/conf/cni1/route_localnet")
            let answer = try network.call("CHECK", 0, PublishedPort.json(mappings), prevResult: attached)
            #expect(answer.isSuccess == isRight, "\(backend), route_localnet \(value): \(answer)")
            let said = answer.error.map { $0.message + " " + $0.details } ?? ""
            #expect(said.contains("cni1/route_localnet") == !isRight, "\(backend): \(answer)")
        }
    }
}
