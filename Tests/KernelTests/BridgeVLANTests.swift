import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// Ports of a bridge that keeps VLANs apart.
@Suite(.needsLab, .needs(.bridgeVLANFiltering)) struct BridgeVLANTests {
    @Test func `containers reach each other inside a VLAN and not across`() throws {
        let network = VLANNetwork(lab: try Lab(containers: 3))
        let one = try network.add(#""vlan": 10"#, container: 0)
        let other = try network.add(#""vlan": 10"#, container: 1)
        let stranger = try network.add(#""vlan": 20"#, container: 2)
        #expect(try network.vlans(of: one.port).contains("10 PVID Egress Untagged"))
        #expect(try network.vlans(of: stranger.port).contains("20 PVID Egress Untagged"))
        #expect(try network.lab.host.link("br0")?.linkinfo?.info_data?.vlan_filtering == 1)

        let near = try network.lab.container.ping(try #require(other.addresses.first))
        #expect(near.isAnswered, "\(near.report)")
        #expect(try !network.lab.container.ping(try #require(stranger.addresses.first)).isAnswered)
        #expect(try !network.lab.containers[2].ping(try #require(one.addresses.first)).isAnswered)
    }

    @Test(arguments: [
        (#""vlan": 10"#, ["1 Egress Untagged", "10 PVID Egress Untagged"]),
        (#""vlan": 10, "preserveDefaultVlan": true"#, ["1 Egress Untagged", "10 PVID Egress Untagged"]),
        (#""vlan": 10, "preserveDefaultVlan": false"#, ["10 PVID Egress Untagged"]),
        (#""vlan": 1, "preserveDefaultVlan": false"#, ["1 PVID Egress Untagged"]),
        (#""vlan": 4094, "preserveDefaultVlan": false"#, ["4094 PVID Egress Untagged"]),
        (#""vlanTrunk": [{"id": 5}, {"minID": 10, "maxID": 12}]"#, ["1 PVID Egress Untagged", "5", "10", "11", "12"]),
        (#""vlanTrunk": [{"minID": 10, "maxID": 11, "id": 5}], "preserveDefaultVlan": false"#, ["5", "10", "11"]),
    ])
    func `a port is in exactly the VLANs that the network says, and CHECK agrees`(keys: String, vlans: [String]) throws
    {
        let network = VLANNetwork(lab: try Lab())
        let attached = try network.add(keys)
        #expect(try network.vlans(of: attached.port) == vlans)
        let check = try network.call("CHECK", keys, prevResult: attached.json)
        #expect(check.isSuccess, "\(check)")
    }

    @Test func `a trunk may have every VLAN`() throws {
        let network = VLANNetwork(lab: try Lab())
        let keys = #""vlanTrunk": [{"minID": 1, "maxID": 4094}]"#
        let attached = try network.add(keys)
        #expect(try network.vlans(of: attached.port).count == 4094)
        let check = try network.call("CHECK", keys, prevResult: attached.json)
        #expect(check.isSuccess, "\(check)")
    }

    /// A bridge may put its ports in another VLAN than 1 (`vlan_default_pvid`).
    @Test func `the bridge's own default VLAN is the one that is preserved or not`() throws {
        let network = VLANNetwork(lab: try Lab(containers: 2))
        try network.lab.host.shell("ip link add br0 type bridge vlan_filtering 1 vlan_default_pvid 7")
        let keys = #""vlan": 10, "preserveDefaultVlan": false"#
        let attached = try network.add(keys)
        #expect(try network.vlans(of: attached.port) == ["10 PVID Egress Untagged"])
        let check = try network.call("CHECK", keys, prevResult: attached.json)
        #expect(check.isSuccess, "\(check)")
        try network.lab.host.shell("bridge vlan add vid 7 untagged dev \(attached.port)")
        #expect(
            try network.call("CHECK", keys, prevResult: attached.json).error?.message.contains(attached.port) == true)

        let preserving = try network.add(#""vlan": 10"#, container: 1)
        #expect(try network.vlans(of: preserving.port) == ["7 Egress Untagged", "10 PVID Egress Untagged"])
    }

    @Test(.needs(.vlan)) func `a trunk carries tagged frames of its VLANs only`() throws {
        let network = VLANNetwork(lab: try Lab(containers: 2))
        let access = try network.add(#""vlan": 5"#, container: 0)
        _ = try network.add(#""vlanTrunk": [{"minID": 5, "maxID": 6}], "preserveDefaultVlan": false"#, container: 1)
        let trunk = network.lab.containers[1]
        let target = try #require(access.addresses.first)
        for (vlan, isServed) in [(6, false), (7, false), (5, true)] {
            try trunk.shell(
                """
                ip addr flush dev eth0 && ip link add link eth0 name tagged type vlan id \(vlan) &&
                ip addr add 10.7.0.99/24 dev tagged && ip link set tagged up
                """)
            let ping = try trunk.ping(target)
            #expect(ping.isAnswered == isServed, "VLAN \(vlan): \(ping.report)")
            try trunk.ip("link", "del", "tagged")
        }
    }

    @Test func `CHECK misses a VLAN that somebody took away`() throws {
        let network = VLANNetwork(lab: try Lab())
        let keys = #""vlan": 10"#
        let attached = try network.add(keys)
        #expect(try network.call("CHECK", keys, prevResult: attached.json).isSuccess)
        try network.lab.host.shell("bridge vlan del vid 10 dev \(attached.port)")
        let check = try network.call("CHECK", keys, prevResult: attached.json)
        #expect(!check.isSuccess)
        #expect(check.error?.message == "\(attached.port) is not in the VLANs that the network wants; it is in 1")
    }

    @Test func `DEL leaves no port, no VLAN and no lease, also when it comes twice`() throws {
        let network = VLANNetwork(lab: try Lab())
        let keys = #""vlan": 10"#
        let attached = try network.add(keys)
        for _ in 1...2 {
            let deletion = try network.call("DEL", keys)
            #expect(deletion.isSuccess, "\(deletion)")
            #expect(try network.lab.host.bridgePorts() == [])
            #expect(try network.vlans(of: attached.port) == [])
            #expect(try network.lab.host.links().map(\.ifname) == ["lo", "br0"])
            #expect(try network.lab.container.links().map(\.ifname) == ["lo"])
            #expect(try network.leases() == [])
        }
    }
}
