import CNI
import NetworkAddress
import TestSupport
import Testing

/// conf/vlan.conflist, which needs a kernel that few have.
@Suite(.needsLab, .needs(.bridgeVLANFiltering)) struct ReadyVLANTests {
    @Test func aVLANIsANetworkOfItsOwnOnABridge() throws {
        let lab = try Lab(containers: 2)
        let tool = NetworkToolTests.Scene(lab)
        try tool.copyReadyNetwork("vlan")
        let results = try (0...1).map { try tool.attach($0, to: "vlan") }
        let address = try #require(results[0].ips.first).address.address.description
        #expect(try lab.containers[1].ping(address).isAnswered)
        #expect(try lab.containers[1].ping("10.93.0.1").isAnswered)
        let vlans = try lab.host.shell("bridge vlan show")
        #expect(vlans.contains(" 100 PVID Egress Untagged"), "\(vlans)")
        #expect(try lab.host.link("cni5.100") != nil)
        for command in ["check", "del"] {
            for container in lab.containers {
                let outcome = try tool.tool(command, "--cache", tool.cache, "vlan", container.path)
                #expect(outcome.isSuccess, "\(command): \(outcome)")
            }
        }
        #expect(try lab.container.link("eth0") == nil)
    }
}
