import CNI
import JSON
import NetworkAddress
import TestSupport
import Testing

/// Every mode, with the master on the host and in the container: what the kernel says, and what packets do.
@Suite(.needsLab, .needs(.macvlan))
struct MacvlanModeTests {
    @Test(arguments: ["bridge", "private", "vepa", "passthru"], [false, true])
    func `a link of every mode reaches the router`(mode: String, isInContainer: Bool) throws {
        var network = try MacvlanNetwork()
        if isInContainer {
            try network.connect(network.lab.container, "net1")
            network.keys = #""master": "net1", "linkInContainer": true, "mode": "\#(mode)""#
        } else {
            network.keys = #""master": "enp0s8", "mode": "\#(mode)""#
        }
        let (text, result) = try network.add()
        let link = try #require(try network.lab.container.link("eth0"))
        #expect(link.kind == "macvlan" && link.isUp && link.linkinfo?.info_data?.mode == mode)
        #expect((link.link == "net1") == isInContainer && (link.link_netnsid == nil) == isInContainer)
        #expect(link.ifalias == "cni:lan1/container-0/eth0")
        #expect(result.interfaces.map(\.mac) == [link.address] && result.interfaces.map(\.mtu) == [1500])
        #expect(result.interfaces.map(\.sandbox) == [network.lab.container.path])
        let master = isInContainer ? try network.lab.container.link("net1") : try network.lab.host.link("enp0s8")
        #expect((master?.address == link.address) == (mode == "passthru"))

        #expect(try network.lab.container.ping("192.168.56.1").isAnswered)
        #expect(try network.macSeenByRouter("192.168.56.128") == link.address)
        let check = try network.call("CHECK", prevResult: text)
        #expect(check.isSuccess, "\(check)")
        // As a network of another mode sees it, it is not what was wanted.
        var other = network
        other.keys = network.keys.replacing(mode, with: mode == "vepa" ? "bridge" : "vepa")
        let refused = try other.call("CHECK", prevResult: text)
        #expect(refused.error?.message.contains("has mode \(mode)") == true, "\(refused)")

        try network.delete()
        #expect(try network.lab.container.link("eth0") == nil)
        #expect(network.leases() == [])
        try network.delete()
    }

    @Test(arguments: [("bridge", true, true), ("private", false, false), ("vepa", false, true)])
    func `two containers reach each other as the mode has it`(
        mode: String, reachDirectly: Bool, reachByASwitchThatSendsBack: Bool
    ) throws {
        var network = try MacvlanNetwork(containers: 2)
        network.keys = #""master": "enp0s8", "mode": "\#(mode)""#
        for container in 0...1 { _ = try network.add(container: container) }
        #expect(try network.lab.container.ping("192.168.56.129").isAnswered == reachDirectly)
        try network.router.ip("link", "set", network.portOfHost, "type", "bridge_slave", "hairpin", "on")
        try network.lab.container.ip("neigh", "flush", "all")
        #expect(try network.lab.container.ping("192.168.56.129").isAnswered == reachByASwitchThatSendsBack)
    }

    @Test func `a link in mode passthru has its master alone`() throws {
        var network = try MacvlanNetwork(containers: 2)
        network.keys = #""master": "enp0s8", "mode": "passthru""#
        _ = try network.add()
        let second = try network.call("ADD", container: 1)
        #expect(
            second.error?.message == "master enp0s8 has other macvlan links, and mode passthru wants it alone",
            "\(second)")
        network.keys = #""master": "enp0s8""#
        let bridged = try network.call("ADD", container: 1)
        #expect(
            bridged.error?.message
                == "master enp0s8 takes no macvlan link: it is no Ethernet, or has one in mode passthru", "\(bridged)")
        #expect(try network.lab.containers[1].link("eth0") == nil)
        #expect(network.leases() == ["192.168.56.128"])
    }

    /// The kernel gives the master its own address back when the link goes.
    @Test func `in mode passthru the master takes the hardware address asked for, and gives it back`() throws {
        var network = try MacvlanNetwork()
        network.keys = #""master": "enp0s8", "mode": "passthru", "runtimeConfig": {"mac": "02:00:00:00:56:01"}"#
        let before = try network.lab.host.link("enp0s8")?.address
        let (text, result) = try network.add()
        #expect(result.interfaces.first?.mac == "02:00:00:00:56:01")
        #expect(try network.lab.container.link("eth0")?.address == "02:00:00:00:56:01")
        #expect(try network.lab.host.link("enp0s8")?.address == "02:00:00:00:56:01")
        #expect(try network.lab.container.ping("192.168.56.1").isAnswered)
        #expect(try network.call("CHECK", prevResult: text).isSuccess)
        try network.delete()
        #expect(try network.lab.host.link("enp0s8")?.address == before)
    }

    /// A macvlan on a macvlan is on what that is on: pods of a host that is a container itself.
    @Test func `the master may be a macvlan itself`() throws {
        var network = try MacvlanNetwork()
        try network.lab.host.shell("ip link add link enp0s8 name mv0 type macvlan mode bridge; ip link set mv0 up")
        network.keys = #""master": "mv0""#
        let text = try network.add().text
        #expect(try network.lab.container.ping("192.168.56.1").isAnswered)
        let check = try network.call("CHECK", prevResult: text)
        #expect(check.isSuccess, "\(check)")
    }
}
