import Foundation
import TestSupport
import Testing

/// The reference's firewall and ours on the same containers and the same host, with both kinds of iptables. Debian's version of
/// it knows the policies open and same-bridge.
@Suite(
    .needsPortLab,
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: "/usr/lib/cni/firewall"),
        "needs the package containernetworking-plugins"))
struct FirewallInteroperabilityTests {
    private static let reference = "/usr/lib/cni/firewall"
    private static let ours = "firewall"

    private func network(
        _ ports: PortLab, _ backend: PacketFilterBackend, number: Int = 1, policy: String = "same-bridge"
    ) throws -> FirewallNetwork {
        try ports.setBridgeFiltering(false)
        return try FirewallNetwork(ports, backend, number: number, policy: policy, version: "1.0.0")
    }

    private func call(
        _ network: FirewallNetwork, _ command: String, _ prevResult: String?, _ container: Int = 0, by plugin: String
    ) throws {
        let answer = try network.call(command, container, prevResult: prevResult, plugin: plugin)
        #expect(answer.isSuccess, "\(network.backend), \(command) by \(plugin): \(answer)")
    }

    private func rules(_ network: FirewallNetwork) throws -> [String] {
        try PortFamily.allCases.flatMap { try network.ports.host.savedRules(network.backend, $0) }
    }

    @Test(
        arguments: PacketFilterBackend.iptables,
        [(false, "open"), (false, "same-bridge"), (true, "open"), (true, "same-bridge")])
    func oneAddsTheOtherChecksAndDeletes(
        backend: PacketFilterBackend, how: (referenceAdds: Bool, policy: String)
    ) throws {
        let (referenceAdds, policy) = how
        let ports = try PortLab()
        let network = try network(ports, backend, policy: policy)
        let (adding, other) = referenceAdds ? (Self.reference, Self.ours) : (Self.ours, Self.reference)
        let attached = try network.network.attach()
        let before = try ports.lab.snapshot(files: false)
        try network.dropByDefault()
        try call(network, "ADD", attached, by: adding)
        let rows = PortFamily.allCases.map {
            PortExpectation.answer(from: ports.container, to: $0.outsideAddress, 80, by: PortLab.outsideName)
        }
        try expect(ports, "\(backend)", rows)
        for plugin in [other, adding] { try call(network, "CHECK", attached, by: plugin) }
        // Whoever adds once more makes nothing twice.
        let rules = try self.rules(network)
        try call(network, "ADD", attached, by: other)
        #expect(Set(try self.rules(network)).isSuperset(of: rules))
        #expect(try self.rules(network).filter { $0.hasPrefix("-A CNI-FORWARD -s") }.count == 2)
        for plugin in [other, adding] { try call(network, "CHECK", attached, by: plugin) }
        try call(network, "DEL", attached, by: other)
        #expect(try self.rules(network).filter { $0.contains(network.address(.ipv4)) && $0.contains("ACCEPT") } == [])
        try call(network, "DEL", attached, by: other)
        // The reference leaves its chains, and our records, which go with the next container of ours.
        try call(network, "ADD", attached, by: Self.ours)
        try call(network, "DEL", nil, by: Self.ours)
        for family in PortFamily.allCases { try ports.host.shell("\(network.program(family)) -P FORWARD ACCEPT") }
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    /// What the rules of both say is the same, but for our records and for the administrator's place.
    @Test(arguments: PacketFilterBackend.iptables, ["open", "same-bridge"])
    func rulesAreTheSame(backend: PacketFilterBackend, policy: String) throws {
        var texts: [[String]] = []
        for plugin in [Self.ours, Self.reference] {
            let ports = try PortLab()
            let network = try network(ports, backend, policy: policy)
            let attached = try network.network.attach()
            try call(network, "ADD", attached, by: plugin)
            texts.append(try rules(network))
        }
        let admin = #"-A FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN"#
        let ours = texts[0].filter { !$0.contains("CNI-FW-") && $0 != admin }
        #expect(ours == texts[1])
        #expect(texts[0].filter { $0 == admin }.count == (policy == "open" ? 0 : 2))
    }

    /// Each with a container of its own on a bridge of its own; the administrator has a say whatever the reference does after us.
    @Test(arguments: PacketFilterBackend.iptables, [false, true])
    func bothOnOneHost(backend: PacketFilterBackend, referenceIsFirst: Bool) throws {
        let ports = try PortLab(containers: 3)
        let networks = [try network(ports, backend), try network(ports, backend, number: 2)]
        let attached = [try networks[0].network.attach(0), try networks[1].network.attach(1)]
        let before = try ports.lab.snapshot(files: false)
        let plugins = referenceIsFirst ? [Self.reference, Self.ours] : [Self.ours, Self.reference]
        for number in 0...1 { try call(networks[number], "ADD", attached[number], number, by: plugins[number]) }
        let isolated = PortFamily.allCases.map {
            PortExpectation.silence(from: ports.container, to: networks[1].address($0), 80)
        }
        try expect(ports, "\(backend)", isolated)
        for number in 0...1 {
            for plugin in plugins { try call(networks[number], "CHECK", attached[number], number, by: plugin) }
        }
        for family in PortFamily.allCases {
            try networks[0].administrate("accept", networks[0].address(family), networks[1].address(family), family)
        }
        try expect(
            ports, "\(backend), the administrator",
            PortFamily.allCases.map {
                .answer(
                    from: ports.container, to: networks[1].address($0), 80, by: PortLab.name(ofContainer: 1))
            })
        try networks[0].stopAdministrating()
        // Ours goes first, and leaves what isolates the reference's; then the other way round.
        let own = referenceIsFirst ? 1 : 0
        try call(networks[own], "DEL", nil, own, by: Self.ours)
        try call(networks[1 - own], "CHECK", attached[1 - own], 1 - own, by: Self.reference)
        try expect(ports, "\(backend), after DEL of ours", isolated)
        try call(networks[own], "ADD", attached[own], own, by: Self.ours)
        try call(networks[1 - own], "DEL", attached[1 - own], 1 - own, by: Self.reference)
        try call(networks[own], "CHECK", attached[own], own, by: Self.ours)
        try call(networks[own], "DEL", nil, own, by: Self.ours)
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }
}
