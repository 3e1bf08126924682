import CNI
import TestSupport
import Testing

/// The firewall plugin with a firewalld that runs, in the namespace of a lab's host.
@Suite(.needsPortLab, .enabled(if: Firewalld.isAvailable, "needs firewalld and dbus-daemon (scripts/setup)"))
struct FirewalldTests {
    private static let addresses = ["10.1.0.2/32", "fd01::2/128"]

    private func network(_ ports: PortLab, _ firewalld: Firewalld) throws -> FirewallNetwork {
        var network = try FirewallNetwork(ports, .nftables)
        network.network.backendKey = nil
        network.variables = [Firewalld.variable: firewalld.address]
        return network
    }

    @Test func `firewalld lets containers out, and only as long as they are attached`() throws {
        let ports = try PortLab()
        let firewalld = try Firewalld(ports.lab)
        var network = try network(ports, firewalld)
        let before = try ports.lab.snapshot(files: false)
        let attached = try network.network.attach()
        // The host looks for an IPv6 neighbour only when its own link-local address is settled, in a lab that is so young.
        func isOut(withinSeconds seconds: Double = 0) throws -> Bool {
            try PortFamily.allCases.allSatisfy { family in
                try waitUntil(seconds: seconds) { try ports.container.ping(family.outsideAddress).isAnswered }
            }
        }
        #expect(try !isOut())
        for key in [nil, "firewalld"] {
            network.network.backendKey = key
            try network.admit(prevResult: attached)
            #expect(try firewalld.sources(ofZone: "trusted") == Self.addresses)
            #expect(try isOut(withinSeconds: 5))
            try network.succeed("CHECK", prevResult: attached)
            // A runtime that has forgotten the result.
            try network.succeed("DEL")
            #expect(try firewalld.sources(ofZone: "trusted") == [])
            try network.succeed("DEL", prevResult: attached)
        }
        #expect(try !isOut())
        let answer = try network.call("CHECK", prevResult: attached)
        #expect(!answer.isSuccess && answer.error != nil, "\(answer)")
        _ = try network.network.callBridge("DEL")
        try ports.host.shell(
            "ip link delete cni1; for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 0 >/proc/sys/net/$f; done")
        let changes = before.changes(to: try ports.lab.snapshot(files: false)).split(separator: "\n")
        // firewalld keeps the chains of a zone that was in use.
        #expect(changes.filter { !$0.contains("inet firewalld") }.isEmpty, "\(changes)")
    }

    @Test func `the zone is the one of the configuration, and one that is not there is an error`() throws {
        let ports = try PortLab()
        let firewalld = try Firewalld(ports.lab)
        var network = try network(ports, firewalld)
        let attached = try network.network.attach()
        network.keys = #""firewalldZone": "internal""#
        try network.admit(prevResult: attached)
        #expect(try firewalld.sources(ofZone: "internal") == Self.addresses)
        #expect(try firewalld.sources(ofZone: "trusted") == [])
        try network.succeed("DEL", prevResult: attached)
        network.keys = #""firewalldZone": "nowhere""#
        let answer = try network.call("ADD", prevResult: attached)
        #expect(answer.error?.description.contains("nowhere") == true, "\(answer)")
        #expect(try ports.host.shell("nft list tables").contains("cni_firewall") == false)
    }

    @Test func `the reference's container is checked and deleted, and the other way round`() throws {
        let ports = try PortLab()
        let firewalld = try Firewalld(ports.lab)
        var network = try network(ports, firewalld)
        network.network.bridge.version = "1.0.0"
        let attached = try network.network.attach()
        let reference = "/usr/lib/cni/firewall"
        let added = try network.call("ADD", prevResult: attached, plugin: reference)
        try #require(added.isSuccess, "\(added)")
        #expect(try firewalld.sources(ofZone: "trusted") == Self.addresses)
        try network.succeed("DEL", prevResult: attached)
        #expect(try firewalld.sources(ofZone: "trusted") == [])
        try network.admit(prevResult: attached)
        try network.succeed("CHECK", prevResult: attached, plugin: reference)
        try network.succeed("DEL", prevResult: attached, plugin: reference)
        #expect(try firewalld.sources(ofZone: "trusted") == [])
    }
}
