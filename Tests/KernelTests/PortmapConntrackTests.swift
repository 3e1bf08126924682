import Foundation
import TestSupport
import Testing

/// Flows that began before a port was published, or go on after it was taken away: no rule is asked about those any more.
@Suite(.needsPortLab)
struct PortmapConntrackTests {
    private struct Row: CustomStringConvertible {
        let family: PortFamily
        let kind: PortProtocol
        let address: String
        let port: Int
        let sourcePort: Int

        var description: String { "\(kind) from port \(sourcePort) to \(address) port \(port)" }
    }

    /// A lab whose host answers on all its ports itself, and tracks flows before there is any rule of ours.
    private func lab() throws -> PortLab {
        let ports = try PortLab()
        try ports.host.shell(
            """
            nft 'add table inet lab; add chain inet lab c { type filter hook prerouting priority 0; }
                add rule inet lab c ct state new accept'
            cd /proc/sys/net/netfilter
            for name in udp_timeout udp_timeout_stream sctp_timeout_cookie_wait sctp_timeout_cookie_echoed; do
                echo 300 >nf_conntrack_$name
            done
            """)
        try ports.serve(in: ports.host, as: "host", on: [8080, 8081, 9001])
        return ports
    }

    private func rows(_ address: (PortFamily) -> String, _ port: Int, from sourcePort: Int) -> [Row] {
        PortFamily.allCases.flatMap { family in
            [PortProtocol.udp, .sctp].map {
                Row(family: family, kind: $0, address: address(family), port: port, sourcePort: sourcePort)
            }
        }
    }

    private func expectAnswers(_ ports: PortLab, _ note: String, _ rows: [Row], by name: String) throws {
        try expect(
            ports, note,
            rows.map {
                .answer(
                    from: ports.outside, to: $0.address, $0.port, $0.kind, by: name, sourcePort: $0.sourcePort)
            })
    }

    /// The flows of the rows, in order; nil for one that is not tracked.
    private func flows(_ ports: PortLab, _ rows: [Row]) throws -> [LabNamespace.Flow?] {
        var all: [PortFamily: [PortProtocol: [LabNamespace.Flow]]] = [:]
        for family in PortFamily.allCases {
            for kind in [PortProtocol.udp, .sctp] {
                all[family, default: [:]][kind] = try ports.host.flows(kind, family)
            }
        }
        return rows.map { row in
            all[row.family]?[row.kind]?.first {
                $0.destination == row.address && $0.port == row.port && $0.sourcePort == row.sourcePort
            }
        }
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func flowsOfAMappingAreForgottenAndNoOthers(backend: PacketFilterBackend) throws {
        let ports = try lab()
        let network = try PortNetwork(ports, backend)
        let attached = try network.attach()
        let web = PortLab.name(ofContainer: 0)
        let toOne = rows(\.hostAddress, 8080, from: 5001)
        let toOther = rows(\.secondHostAddress, 8080, from: 5002)
        let routed = rows(\.beyondAddress, 8080, from: 5003)
        let toOtherPort = rows(\.hostAddress, 8081, from: 5004)
        let inRange = rows(\.hostAddress, 9001, from: 5005)
        for (rows, name) in [
            (toOne, "host"), (toOther, "host"), (toOtherPort, "host"), (inRange, "host"),
            (routed, PortLab.beyondName),
        ] { try expectAnswers(ports, "\(backend), at first", rows, by: name) }
        // `conntrack` tells them all, or what follows would prove nothing.
        let others = routed + toOther + toOtherPort
        var kept = try flows(ports, others)
        #expect(try !(kept + flows(ports, toOne + inRange)).contains(nil))

        // Published on one address, and as a range on all.
        try ports.serve(in: ports.container, as: "range", on: [9001])
        let mappings = PortFamily.allCases.flatMap { family in
            [PortProtocol.udp, .sctp].map { PublishedPort(8080, 80, $0, hostIP: family.hostAddress) }
        }
        let range = [PortProtocol.udp, .sctp].map { PublishedPort(9000, 9000, $0, range: 3) }
        try network.publish(mappings + range, prevResult: attached)
        #expect(try flows(ports, others) == kept, "\(backend): kept by ADD")
        try expectAnswers(ports, "\(backend), published on one address", toOne, by: web)
        try expectAnswers(ports, "\(backend), published as a range", inRange, by: "range")
        try expectAnswers(ports, "\(backend), published on one address", toOther, by: "host")
        kept = try flows(ports, others)
        try network.succeed("DEL")
        #expect(try flows(ports, others) == kept, "\(backend): kept by DEL")
        #expect(try flows(ports, toOne + inRange).allSatisfy { $0 == nil }, "\(backend): forgotten by DEL")
        try expectAnswers(ports, "\(backend), taken away", toOne + inRange, by: "host")

        // Published on all addresses: what is merely routed is not the host's.
        kept = try flows(ports, routed + toOtherPort)
        #expect(!kept.contains(nil))
        let all = [PortProtocol.udp, .sctp].map { PublishedPort(8080, 80, $0) }
        try network.publish(all, prevResult: attached)
        #expect(try flows(ports, routed + toOtherPort) == kept, "\(backend): kept by ADD for all addresses")
        try expectAnswers(ports, "\(backend), published on all addresses", toOne + toOther, by: web)
        try network.succeed("DEL", 0, all, prevResult: attached)
        #expect(try flows(ports, routed + toOtherPort) == kept, "\(backend): kept by DEL for all addresses")
        #expect(try flows(ports, toOne + toOther).allSatisfy { $0 == nil }, "\(backend): forgotten by DEL")
        try expectAnswers(ports, "\(backend), taken away again", toOne + toOther, by: "host")
    }

    /// A container that vanished without DEL, and one that takes its port.
    @Test(arguments: PacketFilterBackend.allCases)
    func flowsMoveWithThePort(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, backend, version: "1.1.0")
        let attached = [try network.attach(0), try network.attach(1)]
        let rows = rows(\.hostAddress, 8080, from: 5001)
        let mappings = [PortProtocol.udp, .sctp].map { PublishedPort(8080, 80, $0) }
        for container in [0, 1, 0] {
            try network.publish(mappings, container, prevResult: attached[container])
            try expectAnswers(ports, "\(backend)", rows, by: PortLab.name(ofContainer: container))
            if container == 0 {
                try network.succeed("GC", members: #""cni.dev/valid-attachments": []"#)
            } else {
                try network.succeed("DEL", container)
            }
        }
    }
}
