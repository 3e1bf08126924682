import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// Gateways of networks with a VLAN: the address is on `<bridge>.<vlan>`, an access port of the bridge.
@Suite(.needsLab, .needs(.bridgeVLANFiltering)) struct BridgeVLANGatewayTests {
    private static let keys = #""vlan": 10, "isDefaultGateway": true"#

    private func network(containers: Int = 1) throws -> VLANNetwork {
        VLANNetwork(
            lab: try Lab(containers: containers), ranges: #"[{"subnet": "10.7.0.0/24"}], [{"subnet": "fd07::/64"}]"#)
    }

    @Test func `the first ping to the gateway is answered right after ADD, in both families`() throws {
        let network = try network(containers: 2)
        for number in [0, 1] {
            _ = try network.add(Self.keys, container: number)
            for gateway in ["10.7.0.1", "fd07::1"] {
                let ping = try network.lab.containers[number].ping(gateway)
                #expect(ping.isAnswered, "\(ping.report)")
            }
        }
        #expect(try network.lab.host.addresses(of: "br0.10").sorted() == ["10.7.0.1/24", "fd07::1/64"])
        #expect(try network.lab.host.addresses(of: "br0") == [])
    }

    @Test func `the result lists the gateway's link last, with its hardware address`() throws {
        let network = try network()
        let attached = try network.add(Self.keys)
        #expect(attached.result.interfaces.map(\.name) == ["br0", attached.port, "eth0", "br0.10"])
        let gateway = try #require(try network.lab.host.link("br0.10"))
        #expect(attached.result.interfaces.last?.mac == gateway.address)
        #expect(attached.result.interfaces.last?.sandbox == nil)
        #expect(attached.result.ips.map(\.interface) == [2, 2])
        #expect(gateway.isUp)
        let port = try #require(gateway.link)
        #expect(try network.vlans(of: port) == ["1 Egress Untagged", "10 PVID Egress Untagged"])
    }

    @Test func `without the default VLAN the gateway's port is out of it too`() throws {
        let network = try network()
        let keys = Self.keys + #", "preserveDefaultVlan": false"#
        let attached = try network.add(keys)
        let port = try #require(try network.lab.host.link("br0.10")?.link)
        #expect(try network.vlans(of: port) == ["10 PVID Egress Untagged"])
        #expect(try network.call("CHECK", keys, prevResult: attached.json).isSuccess)
    }

    @Test func `containers of another VLAN do not reach the gateway`() throws {
        let network = try network(containers: 2)
        _ = try network.add(Self.keys, container: 0)
        _ = try network.add(#""vlan": 20"#, container: 1)
        #expect(try !network.lab.containers[1].ping("10.7.0.1").isAnswered)
    }

    @Test(arguments: [
        ("ip link set br0.10 down", "br0.10, which has the gateway's address, is down"),
        ("ip link del br0.10", "br0.10, which has the gateway's address, is gone"),
        ("ip addr del 10.7.0.1/24 dev br0.10", "br0.10 lacks the gateway's address 10.7.0.1"),
    ])
    func `CHECK misses a gateway that is not what it was`(change: String, message: String) throws {
        let network = try network()
        let attached = try network.add(Self.keys)
        #expect(try network.call("CHECK", Self.keys, prevResult: attached.json).isSuccess)
        try network.lab.host.shell(change)
        #expect(try network.call("CHECK", Self.keys, prevResult: attached.json).error?.message == message)
    }

    @Test func `a gateway's link that is down is brought up by the next ADD`() throws {
        let network = try network(containers: 2)
        _ = try network.add(Self.keys, container: 0)
        try network.lab.host.ip("link", "set", "br0.10", "down")
        _ = try network.add(Self.keys, container: 1)
        let ping = try network.lab.containers[1].ping("10.7.0.1")
        #expect(ping.isAnswered, "\(ping.report)")
    }

    @Test func `DEL leaves the gateway to the containers that are still there`() throws {
        let network = try network(containers: 2)
        _ = try network.add(Self.keys, container: 0)
        let staying = try network.add(Self.keys, container: 1)
        #expect(try network.call("DEL", Self.keys, container: 0).isSuccess)
        #expect(try network.lab.containers[1].ping("10.7.0.1").isAnswered)
        let check = try network.call("CHECK", Self.keys, container: 1, prevResult: staying.json)
        #expect(check.isSuccess, "\(check)")
    }

    /// The kernel refuses a route by way of a gateway that it cannot reach, which is the last step but one of ADD.
    @Test func `an ADD that fails late leaves nothing`() throws {
        let lab = try Lab()
        let before = try lab.snapshot(files: false)
        let network = VLANNetwork(lab: lab, routes: #"[{"dst": "10.50.0.0/16", "gw": "192.0.2.1"}]"#)
        let answer = try network.call("ADD", Self.keys)
        #expect(answer.error?.message.contains("10.50.0.0/16") == true, "\(answer)")
        #expect(before.changes(to: try lab.snapshot(files: false)) == "")
        #expect(try network.leases() == [])
    }

    @Test func `a gateway's link with another address is an error, and changes nothing`() throws {
        let network = try network()
        try network.lab.host.shell(
            """
            ip link add br0 type bridge vlan_filtering 1 && ip link set br0 up &&
            ip link add br0.10 type veth peer name other && ip link set other master br0 &&
            bridge vlan add vid 10 pvid untagged dev other && ip link set other up && ip link set br0.10 up &&
            ip addr add 10.9.0.1/24 dev br0.10
            """)
        // These are written before the address is looked at, and rightly so.
        for sysctl in ["accept_ra", "autoconf"] {
            try network.lab.host.shell("echo 0 >/proc/sys/net/ipv6/conf/br0/\(sysctl)")
        }
        let before = try network.lab.snapshot(files: false)
        let answer = try network.call("ADD", Self.keys)
        #expect(
            answer.error?.message.hasPrefix("br0.10 has 10.9.0.1/24, the network wants 10.7.0.1/24; ") == true,
            "\(answer)")
        let changes = before.changes(to: try network.lab.snapshot(files: false))
        #expect(changes == "", "\(changes)")
        #expect(try network.leases() == [])
    }
}
