import CNI
import TestSupport
import Testing

/// Networks that are VLANs of one bridge. Kernels with VLAN filtering need not have nftables: these are rules of
/// iptables-legacy.
@Suite(.needsLab, .needs(.bridgeVLANFiltering), .needs(.legacyIPTables))
struct FirewallVLANTests {
    private func network(_ lab: Lab, vlan: Int, policy: String?) throws -> ChainNetwork {
        let ipam = #"""
            "ipam": {"type": "host-local", "dataDir": "\#(lab.path("data"))", "ranges": [[{"subnet": "10.\#(vlan).0.0/16"}]]}
            """#
        let bridge = #""bridge": "cni1", "isDefaultGateway": true, "vlan": \#(vlan), "# + ipam
        let firewall = policy.map { [("firewall", #""backend": "iptables", "ingressPolicy": "\#($0)""#)] } ?? []
        var network = ChainNetwork(lab: lab, plugins: [("bridge", bridge)] + firewall)
        network.path = try PacketFilterBackend.iptablesLegacy.searchPath(in: lab)
        network.name = "vlan\(vlan)"
        return network
    }

    /// With a VLAN, packets come by the gateway's link, and not by the bridge.
    @Test(arguments: [nil, "same-bridge", "isolated"])
    func `VLANs of one bridge are kept apart as other networks are`(policy: String?) throws {
        let lab = try Lab(containers: 2)
        let networks = try [7, 8].map { try network(lab, vlan: $0, policy: policy) }
        for (number, network) in networks.enumerated() {
            let answers = try network.call("ADD", sandbox: lab.containers[number].path)
            try #require(answers.count == network.plugins.count)
            for answer in answers { #expect(answer.isSuccess, "\(answer)") }
            let gateway = try lab.containers[number].ping("10.\(7 + number).0.1")
            #expect(gateway.isAnswered)
        }
        let reaches = try lab.containers[0].ping("10.8.0.2").isAnswered
        #expect(reaches == (policy == nil))
        for (number, network) in networks.enumerated() {
            let answers = try network.call("DEL", sandbox: lab.containers[number].path)
            for answer in answers { #expect(answer.isSuccess, "\(answer)") }
        }
        let rules = try lab.host.shell("iptables-legacy-save")
        #expect(!rules.contains("CNI-"), "\(rules)")
    }
}
