import CNI
import Foundation
import TestSupport
import Testing

/// The reference's portmap and bridge, and ours, on the same containers and the same host, with both kinds of iptables.
///
/// CHECK of Debian's version of the reference fails wherever there is ip6tables, because it looks there for rules of IPv4;
/// with ip6tables-legacy it publishes only the first port of a protocol. So most of this is about IPv4, and the
/// reference's CHECK runs without ip6tables.
@Suite(
    .needsPortLab,
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: "/usr/lib/cni/portmap"),
        "needs the package containernetworking-plugins"))
struct PortmapInteroperabilityTests {
    private static let reference = "/usr/lib/cni/"
    private let mappings = [PublishedPort(8080, 80), PublishedPort(8080, 80, .udp), PublishedPort(9090, 81)]

    private func network(_ ports: PortLab, _ backend: PacketFilterBackend) throws -> PortNetwork {
        try ports.setBridgeFiltering(false)
        var network = try PortNetwork(ports, backend)
        network.bridge.ipam = PortNetwork.ranges(1, [.ipv4])
        return network
    }

    private func call(
        _ network: PortNetwork, _ command: String, _ container: Int = 0, byReference: Bool,
        _ mappings: [PublishedPort]?, _ prevResult: String?
    ) throws -> Lab.Answer {
        var network = network
        if byReference && command == "CHECK" { network.path = try pathWithoutIPv6(network) }
        return try network.call(
            command, container, mappings.map(PublishedPort.json), prevResult: prevResult,
            plugin: byReference ? Self.reference + "portmap" : "portmap")
    }

    private func pathWithoutIPv6(_ network: PortNetwork) throws -> String {
        let all = network.path.split(separator: ":").first.map(String.init) ?? ""
        let folder = network.ports.lab.path("without-ipv6")
        try network.ports.host.shell("mkdir -p '\(folder)' && cp -d '\(all)'/iptables* '\(folder)'")
        return folder
    }

    private func expectPublished(_ network: PortNetwork, by container: Int, _ port: Int = 8080) throws {
        let name = PortLab.name(ofContainer: container)
        try expect(
            network.ports, "\(network.backend)",
            [
                .answer(from: network.ports.outside, to: "192.0.2.1", port, by: name, seenAs: "192.0.2.2"),
                .answer(from: network.ports.host, to: "127.0.0.1", port, by: name),
                .answer(from: network.ports.containers[1], to: "192.0.2.1", port, by: name),
            ])
    }

    /// What belongs to a container and not to the host: its chains, and the rules that lead there.
    private func rulesOfContainers(_ network: PortNetwork) throws -> [String] {
        try PortFamily.allCases.flatMap { try network.ports.host.savedRules(network.backend, $0) }
            .filter { $0.contains("CNI-DN-") || $0.contains(#"id: \""#) || $0.contains("container-") }
    }

    @Test(arguments: PacketFilterBackend.iptables, [false, true])
    func oneAddsTheOtherChecksAndDeletes(backend: PacketFilterBackend, referenceAdds: Bool) throws {
        let ports = try PortLab(containers: 2)
        let network = try network(ports, backend)
        let attached = try network.attach(0)
        _ = try network.attach(1)
        let before = try ports.lab.snapshot(files: false)
        let added = try call(network, "ADD", byReference: referenceAdds, mappings, attached)
        #expect(added.isSuccess, "\(added)")
        try expectPublished(network, by: 0)
        let checked = try call(network, "CHECK", byReference: !referenceAdds, mappings, attached)
        #expect(checked.isSuccess, "\(backend), CHECK: \(checked)")
        // The reference's DEL does nothing unless it is told which ports.
        let told = referenceAdds ? nil : mappings
        let deleted = try call(network, "DEL", byReference: !referenceAdds, told, told == nil ? nil : attached)
        #expect(deleted.isSuccess, "\(backend), DEL: \(deleted)")
        #expect(try rulesOfContainers(network) == [], "\(backend)")
        for port in [8080, 9090] {
            #expect(try ports.ask(from: ports.outside, to: "192.0.2.1", port, timeout: 0.4) == nil, "\(port)")
        }
        if referenceAdds {
            // The reference turns route_localnet on, and our DEL turns it off.
            let changes = before.changes(to: try ports.lab.snapshot(files: false)).split(separator: "\n")
            #expect(changes.filter { !$0.contains("route_localnet") } == [], "\(backend)")
        }
    }

    @Test(arguments: PacketFilterBackend.iptables, [false, true])
    func bothOnOneHost(backend: PacketFilterBackend, referenceIsFirst: Bool) throws {
        let ports = try PortLab(containers: 3)
        let network = try network(ports, backend)
        let attached = try (0...2).map { try network.attach($0) }
        let mine = [[PublishedPort(8080, 80)], [PublishedPort(9090, 81)]]
        for container in 0...1 {
            let isReference = (container == 0) == referenceIsFirst
            let added = try call(
                network, "ADD", container, byReference: isReference, mine[container], attached[container])
            #expect(added.isSuccess, "\(backend): \(added)")
        }
        try expectPublished(network, by: 0, 8080)
        try expectPublished(network, by: 1, 9090)
        // What the reference has published is taken, and by whom.
        let owner = referenceIsFirst ? 0 : 1
        let conflict = try call(network, "ADD", 2, byReference: false, mine[owner], attached[2])
        let said = conflict.error?.message ?? ""
        #expect(said.contains("container-\(owner)") && said.contains("net1"), "\(backend): \(conflict)")
        // Each goes without taking the other along.
        for container in 0...1 {
            let isReference = (container == 0) == referenceIsFirst
            let deleted = try call(
                network, "DEL", container, byReference: isReference, mine[container], attached[container])
            #expect(deleted.isSuccess, "\(backend): \(deleted)")
            if container == 0 { try expectPublished(network, by: 1, 9090) }
        }
        #expect(try rulesOfContainers(network) == [], "\(backend)")
    }

    /// Both families: the reference adds, we look and take away.
    @Test(arguments: PacketFilterBackend.iptables)
    func bothFamilies(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, backend)
        let attached = try network.attach(0)
        let before = try ports.lab.snapshot(files: false)
        let one = [PublishedPort(8080, 80)]
        let added = try call(network, "ADD", byReference: true, one, attached)
        #expect(added.isSuccess, "\(added)")
        try network.succeed("CHECK", 0, one, prevResult: attached)
        try network.succeed("DEL", 0)
        let changes = before.changes(to: try ports.lab.snapshot(files: false)).split(separator: "\n")
        #expect(changes.filter { !$0.contains("route_localnet") } == [], "\(backend)")
    }

    @Test(arguments: PacketFilterBackend.iptables, [false, true])
    func masqueradingOfOneIsTakenAwayByTheOther(backend: PacketFilterBackend, referenceAdds: Bool) throws {
        let ports = try PortLab()
        var network = try PortNetwork(ports, backend)
        network.bridge.keys += #", "ipMasq": true, "ipMasqBackend": "iptables""#
        let call = { (command: String, byReference: Bool, prevResult: String?) in
            try ports.lab.call(
                byReference ? Self.reference + "bridge" : "bridge", command,
                network.bridge.configuration(prevResult), containerID: "container-0",
                searchPath: byReference ? Self.reference : Executables.folder,
                variables: ["PATH": network.path])
        }
        let before = try ports.host.filterFacts("")
        let added = try call("ADD", referenceAdds, nil)
        #expect(added.isSuccess, "\(added)")
        try expect(
            ports, "\(backend)",
            PortFamily.allCases.map {
                .answer(
                    from: ports.container, to: $0.outsideAddress, 80, by: PortLab.outsideName,
                    seenAs: $0.hostAddress)
            })
        let attached = added.outcome.outputText
        let checked = try call("CHECK", !referenceAdds, attached)
        #expect(checked.isSuccess, "\(checked)")
        let deleted = try call("DEL", !referenceAdds, attached)
        #expect(deleted.isSuccess, "\(deleted)")
        #expect(try ports.host.filterFacts("") == before, "\(backend)")
    }
}
