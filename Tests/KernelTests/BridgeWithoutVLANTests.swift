import CNI
import JSON
import TestSupport
import Testing

/// Networks with VLANs where bridges do not keep them apart.
@Suite(.needsLab, .needs(.bridge)) struct BridgeWithoutVLANTests {
    @Test(arguments: [(#""vlan": 10"#, "vlan"), (#""vlanTrunk": [{"id": 10}]"#, "vlanTrunk")])
    func `an existing bridge that mixes VLANs is refused and not changed`(keys: String, key: String) throws {
        let network = VLANNetwork(lab: try Lab())
        try network.lab.host.ip("link", "add", "br0", "type", "bridge")
        let before = try network.lab.snapshot(files: false)
        let answer = try network.call("ADD", keys)
        #expect(answer.outcome.ending == .exited(status: 1))
        #expect(answer.error?.code == .invalidConfiguration)
        #expect(answer.error?.message == "br0 does not keep VLANs apart, and the network wants \(key)")
        let changes = before.changes(to: try network.lab.snapshot(files: false))
        #expect(changes == "", "\(changes)")
        #expect(try network.leases() == [])
    }

    @Test(.lacks(.bridgeVLANFiltering)) func `a kernel without VLAN filtering gives one error, and nothing is left`()
        throws
    {
        let network = VLANNetwork(lab: try Lab())
        let before = try network.lab.snapshot(files: false)
        let answer = try network.call("ADD", #""vlan": 10, "isDefaultGateway": true"#)
        #expect(answer.outcome.ending == .exited(status: 1))
        #expect(answer.error?.message == "vlan: this kernel has no VLAN filtering on bridges")
        #expect(answer.error?.details == "cannot add link br0: Operation not supported")
        let changes = before.changes(to: try network.lab.snapshot(files: false))
        #expect(changes == "", "\(changes)")
        #expect(try network.leases() == [])
    }
}
