import CNI
import Foundation
import TestSupport
import Testing

/// Containers of one host and one network that are published by different backends, as after a change of configuration.
@Suite(.needsPortLab)
struct PortmapMixedBackendTests {
    /// Every backend, and every other one after it.
    private static let pairs = PacketFilterBackend.allCases.flatMap { first in
        PacketFilterBackend.allCases.filter { $0 != first }.map { [first, $0] }
    }

    @Test(arguments: pairs)
    func aPortOfAnotherBackendIsRefusedAndItsOwnerIsNamed(backends: [PacketFilterBackend]) throws {
        let ports = try PortLab(containers: 2)
        let networks = try backends.map { try PortNetwork(ports, $0) }
        let attached = [try networks[0].attach(0), try networks[1].attach(1)]
        try networks[0].publish(
            [PublishedPort(8080, 80), PublishedPort(9090, 80, .udp, hostIP: "192.0.2.1")], prevResult: attached[0])
        let before = try ports.lab.snapshot(files: false)
        for mappings in [
            [PublishedPort(8080, 81)], [PublishedPort(7070, 80), PublishedPort(9090, 81, .udp)],
            [PublishedPort(8079, 8079, range: 2)],
        ] {
            let answer = try networks[1].call("ADD", 1, PublishedPort.json(mappings), prevResult: attached[1])
            #expect(answer.error?.code == .invalidConfiguration, "\(backends): \(answer)")
            let names = ["net1", "container-0", "runtimeConfig.portMappings[\(mappings.count - 1)].hostPort"]
            let message = answer.error?.message ?? ""
            #expect(names.filter { !message.contains($0) } == [], "\(backends): \(message)")
            expectUnchanged(before, try ports.lab.snapshot(files: false))
        }
        try expect(
            ports, "\(backends)",
            [.answer(from: ports.outside, to: "192.0.2.1", 8080, by: PortLab.name(ofContainer: 0))])
        // Freed by the one backend, it can be had by the other.
        try networks[0].succeed("DEL", 0)
        try networks[1].publish([PublishedPort(8080, 81)], 1, prevResult: attached[1])
        try expect(
            ports, "\(backends)",
            [.answer(from: ports.outside, to: "192.0.2.1", 8080, by: PortLab.name(ofContainer: 1))])
    }

    /// The one backend does not turn off what the other still needs.
    @Test(arguments: pairs)
    func routeLocalnetStaysOnUntilBothAreGone(backends: [PacketFilterBackend]) throws {
        let ports = try PortLab(containers: 2)
        let networks = try backends.map { try PortNetwork(ports, $0) }
        let attached = [try networks[0].attach(0), try networks[1].attach(1)]
        let mappings = [[PublishedPort(8080, 80)], [PublishedPort(9090, 80)]]
        let isOn = { try ports.host.sysctl("ipv4/conf/cni1/route_localnet") }
        #expect(try isOn() == "0")
        for leaving in 0...1 {
            let staying = 1 - leaving
            for number in 0...1 {
                try networks[number].publish(mappings[number], number, prevResult: attached[number])
            }
            #expect(try isOn() == "1", "\(backends): both")
            try networks[leaving].succeed("DEL", leaving)
            #expect(try isOn() == "1", "\(backends): without \(backends[leaving])")
            try networks[staying].succeed("CHECK", staying, mappings[staying], prevResult: attached[staying])
            try expect(
                ports, "\(backends), without \(backends[leaving])",
                [
                    .answer(
                        from: ports.host, to: "127.0.0.1", mappings[staying][0].host,
                        by: PortLab.name(ofContainer: staying))
                ])
            try networks[staying].succeed("DEL", staying)
            #expect(try isOn() == "0", "\(backends): neither")
        }
    }
}
