import CNI
import Foundation
import TestSupport
import Testing

/// The keys ipMasq and ipMasqBackend: containers reach the world by the addresses of the host.
@Suite(.needsPortLab)
struct BridgeMasqueradeTests {
    private let web = PortLab.name(ofContainer: 0)

    private func network(
        _ ports: PortLab, _ backend: PacketFilterBackend, number: Int = 1, version: String = "1.0.0"
    ) throws -> PortNetwork {
        var network = try PortNetwork(ports, backend, number: number, version: version)
        network.bridge.keys =
            (number == 1 ? #""isDefaultGateway": true"# : #""isGateway": true"#)
            + #", "bridge": "cni\#(number)", "ipMasq": true, "ipMasqBackend": "\#(backend.key)""#
        return network
    }

    /// What outside and beyond see when a container asks them: the host, or, not masqueraded, the container.
    private func world(
        _ network: PortNetwork, _ container: Int, seenAs address: ((PortFamily) -> String)? = nil
    ) -> [PortExpectation] {
        let ports = network.ports
        return PortFamily.allCases.flatMap { family in
            PortProtocol.allCases.flatMap { kind -> [PortExpectation] in
                [
                    .answer(
                        from: ports.containers[container], to: family.outsideAddress, 8080, kind,
                        by: PortLab.outsideName, seenAs: address?(family) ?? family.hostAddress),
                    .answer(
                        from: ports.containers[container], to: family.beyondAddress, 80, kind, by: PortLab.beyondName,
                        seenAs: address?(family) ?? family.hostAddressTowardsBeyond),
                ]
            }
        }
    }

    @Test(arguments: PacketFilterBackend.allCases, [false, true])
    func theWorldSeesTheHostAndNeighboursSeeTheContainer(
        backend: PacketFilterBackend, isBridgeFiltered: Bool
    ) throws {
        let ports = try PortLab(containers: 3)
        try ports.setBridgeFiltering(isBridgeFiltered)
        let network = try network(ports, backend)
        let other = try self.network(ports, backend, number: 2)
        try ports.serve(in: ports.host, as: "host", on: [5555])
        var plain = network
        plain.bridge.keys = #""isDefaultGateway": true, "bridge": "cni1""#
        for (network, container) in [(network, 0), (plain, 1), (other, 2)] { _ = try network.attach(container) }
        let tables = try ports.host.filterTables()
        #expect(tables.contains(backend.table(of: .masquerade)), "\(tables)")
        #expect(tables.contains("inet cni_masquerade") == (backend == .nftables), "\(tables)")

        try expect(ports, "\(backend)", world(network, 0))
        // A container of the same network that did not ask for it.
        try expect(ports, "\(backend)", world(network, 1) { network.address($0, ofAttachment: 1) })
        // Within its own network, and for the host itself, it is who it is.
        try expect(
            ports, "\(backend)",
            PortFamily.allCases.flatMap { family -> [PortExpectation] in
                let own = network.address(family)
                return [
                    .answer(
                        from: ports.container, to: network.address(family, ofAttachment: 1), 80,
                        by: PortLab.name(ofContainer: 1), seenAs: own),
                    .answer(
                        from: ports.container, to: network.gateway(family), 5555, by: "host", seenAs: own),
                    .answer(from: ports.containers[1], to: own, 80, by: web),
                    .answer(from: ports.outside, to: own, 80, by: web, seenAs: family.outsideAddress),
                ]
            })
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func withPublishedPorts(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        let network = try network(ports, backend)
        let attached = try network.attach(0)
        _ = try network.attach(1)
        try network.publish(PublishedPort.all(8080, 80), prevResult: attached)
        let rows = PortFamily.allCases.flatMap { family -> [PortExpectation] in
            [
                .answer(
                    from: ports.outside, to: family.hostAddress, 8080, by: web, seenAs: family.outsideAddress),
                .answer(from: ports.host, to: family.hostAddress, 8080, by: web),
                .answer(from: ports.containers[1], to: family.hostAddress, 8080, by: web),
                .answer(from: ports.container, to: family.hostAddress, 8080, by: web),
            ]
        }
        try expect(ports, "\(backend)", rows + world(network, 0) + world(network, 1))
        try network.succeed("DEL", 0)
        try expect(ports, "\(backend), not published any more", world(network, 0))
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func delTakesItAwayHoweverLittleIsLeft(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 3)
        let network = try network(ports, backend)
        let kept = try network.attach(1)
        // Everything that a first attachment makes for all is there.
        let before = try filter(ports)
        for (number, way) in ["prevResult", "no prevResult", "no namespace", "a namespace that is gone"].enumerated() {
            let attached = try network.attach(0)
            #expect(try filter(ports) != before, "\(backend)")
            let sandboxes = [nil, nil, "", "/run/netns/never-was"]
            let answer = try ports.lab.call(
                "bridge", "DEL", network.bridge.configuration(number == 0 ? attached : nil),
                containerID: "container-0",
                variables: ["PATH": network.path, "CNI_NETNS": sandboxes[number] ?? ports.container.path])
            #expect(answer.isSuccess, "\(backend), \(way): \(answer)")
            #expect(try filter(ports) == before, "\(backend), \(way)")
            try expect(ports, "\(backend), \(way)", world(network, 1))
            // Where DEL does not see the sandbox the link may be left in it.
            _ = try network.callBridge("DEL", 0)
        }
        // The sandbox vanishes first, with all that is in it.
        _ = try network.attach(2)
        try ports.stopServing(in: ports.containers[2])
        ports.containers[2].remove()
        #expect(try network.callBridge("DEL", 2).isSuccess)
        #expect(try filter(ports) == before, "\(backend), gone")

        #expect(try network.callBridge("DEL", 1, prevResult: kept).isSuccess)
        #expect(try filter(ports) == [], "\(backend), the last one")
        #expect(try !ports.host.filterTables().contains { $0.contains("cni") })
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func garbageCollectionTakesItAway(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 3)
        let network = try network(ports, backend, version: "1.1.0")
        let other = try self.network(ports, backend, number: 2, version: "1.1.0")
        _ = try other.attach(2)
        let others = try filter(ports)
        _ = try network.attach(1)
        let kept = try filter(ports)
        _ = try network.attach(0)
        let all = try filter(ports)
        let collect = { (members: String) in
            let answer = try network.callBridge("GC", members: members)
            #expect(answer.isSuccess, "\(backend), GC \(members): \(answer)")
            return try filter(ports)
        }
        #expect(try collect("") == all, "\(backend)")
        let list = #""cni.dev/valid-attachments": [{"containerID": "container-1", "ifname": "eth0"}]"#
        #expect(try collect(list) == kept, "\(backend)")
        try expect(ports, "\(backend)", world(network, 1))
        #expect(try collect(#""cni.dev/valid-attachments": []"#) == others, "\(backend)")
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func anAddThatFailsLeavesNothing(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        let network = try network(ports, backend)
        try ports.container.ip("link", "add", "eth0", "type", "bridge")
        let before = try ports.lab.snapshot(files: false)
        let answer = try network.callBridge("ADD")
        #expect(answer.error != nil, "\(answer)")
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    @Test func withoutABackendItIsThatOfTheHost() throws {
        for backend in PacketFilterBackend.allCases {
            let ports = try PortLab()
            var network = try PortNetwork(ports, backend)
            network.bridge.keys += #", "ipMasq": true"#
            if backend == .nftables { network.path = ports.lab.path("nothing") }
            _ = try network.attach()
            let tables = try ports.host.filterTables()
            #expect(tables.contains(backend.table(of: .masquerade)), "\(backend): \(tables)")
            try expect(ports, "\(backend)", world(network, 0))
            #expect(try network.callBridge("DEL").isSuccess)
            #expect(try filter(ports) == [], "\(backend)")
        }
    }

    @Test(arguments: [#""ipMasq": "yes""#, #""ipMasq": true, "ipMasqBackend": "pf""#])
    func aWrongValueIsRefused(keys: String) throws {
        let ports = try PortLab()
        var network = try PortNetwork(ports, .nftables)
        network.bridge.keys += ", " + keys
        let before = try ports.lab.snapshot(files: false)
        let answer = try network.callBridge("ADD")
        #expect(answer.error?.code == .invalidConfiguration, "\(answer)")
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    /// The rules of the host, without what iptables leaves behind by itself.
    private func filter(_ ports: PortLab) throws -> [String] {
        try ports.host.filterFacts("").sorted()
    }
}
