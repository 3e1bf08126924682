import CNI
import Foundation
import JSON
import NetworkAddress
import TestSupport
import Testing

/// `hostShim`: the host and containers on its own link reach each other.
@Suite(.needsLab, .needs(.macvlan))
struct MacvlanHostShimTests {
    private func network(containers: Int = 2) throws -> MacvlanNetwork {
        var network = try MacvlanNetwork(containers: containers)
        network.keys += #", "hostShim": true"#
        network.ipam = MacvlanNetwork.dualStack
        return network
    }

    private func gc(_ network: MacvlanNetwork, living containers: [Int]) throws {
        let list = containers.map { #"{"containerID": "container-\#($0)", "ifname": "eth0"}"# }
        let answer = try network.call(
            "GC", members: #""cni.dev/valid-attachments": [\#(list.joined(separator: ","))]"#)
        #expect(answer.isSuccess, "\(answer)")
    }

    @Test func `without it neither reaches the other, with it both do, in both families`() throws {
        var network = try network()
        let host = network.lab.host
        // Where the host has an address of the network, and asks by it.
        try host.shell("ip address add 192.168.56.7/24 dev enp0s8; ip address add fd56::7/64 dev enp0s8 nodad")
        network.keys = #""master": "enp0s8""#
        _ = try network.add(container: 1)
        #expect(try !network.lab.containers[1].ping("192.168.56.7").isAnswered)
        try network.delete(container: 1)

        network.keys += #", "hostShim": true"#
        let (text, result) = try network.add(container: 0)
        let shim = try #require(try network.hostLinks().first)
        #expect(result.interfaces.map(\.name) == ["eth0", shim])
        #expect(result.interfaces.map(\.sandbox) == [network.lab.container.path, nil])
        #expect(result.interfaces[1].mac == (try host.link(shim)?.address))
        #expect(try host.link(shim)?.ifalias == "host shim of network lan1")
        let own = try host.addresses(of: shim)
        #expect(own.count == 2 && own.allSatisfy { $0.hasSuffix("/32") || $0.hasSuffix("/128") })
        for ip in result.ips {
            let ping = try host.ping(ip.address.address.description)
            #expect(ping.isAnswered, "\(ping.report)")
        }
        // The container reaches the host by its address on the network, and by the shim's own ones.
        for address in own.map({ String($0.prefix { $0 != "/" }) }) + ["192.168.56.7"] {
            let ping = try network.lab.container.ping(address)
            #expect(ping.isAnswered, "\(address): \(ping.report)")
        }
        let check = try network.call("CHECK", prevResult: text)
        #expect(check.isSuccess, "\(check)")

        // Everybody else finds the host where it was.
        try network.router.ip("neigh", "flush", "all")
        #expect(try network.router.ping("192.168.56.7").isAnswered)
        #expect(try network.macSeenByRouter("192.168.56.7") == host.link("enp0s8")?.address)
        #expect(try host.ping("192.168.56.1").isAnswered)
    }

    @Test func `it is made once, and goes with the last attachment, whoever that is`() throws {
        let network = try network(containers: 3)
        let before = try network.lab.host.links()
        var results: [AttachmentResult] = []
        for container in 0...1 { results.append(try network.add(container: container).result) }
        #expect(results[0].interfaces[1] == results[1].interfaces[1])
        // Two addresses each, and the shim's.
        #expect(network.leases().count == 6)
        try network.delete(container: 0)
        #expect(try network.lab.host.ping(results[1].ips[0].address.address.description).isAnswered)
        #expect(network.leases().count == 4)
        network.lab.containers[1].remove()
        try network.delete(container: 1, sandbox: "")
        #expect(try network.hostLinks() == [] && network.leases() == [])
        #expect(try network.lab.host.links().map(\.ifname) == before.map(\.ifname))
        #expect(try network.lab.host.routes().contains { ($0.dst ?? "").hasPrefix("192.168.56") } == false)
        // And can come again.
        _ = try network.add(container: 2)
        #expect(try network.hostLinks().count == 1)
    }

    @Test func `GC keeps it for those who live, with its lease, and removes it with the rest`() throws {
        let network = try network()
        for container in 0...1 { _ = try network.add(container: container) }
        try gc(network, living: [1])
        #expect(try network.hostLinks().count == 1)
        #expect(network.leases().count == 4)
        let shim = try #require(try network.hostLinks().first)
        #expect(try network.lab.host.routes().filter { $0.dev == shim && $0.protocol == "boot" }.count == 2)
        try gc(network, living: [])
        #expect(try network.hostLinks() == [] && network.leases() == [])
    }

    /// A machine that was shut down keeps its leases and nothing else.
    @Test func `after a restart of the host the lease of the shim is not in the way`() throws {
        let network = try network()
        _ = try network.add(container: 0)
        try network.lab.host.ip("link", "delete", try #require(try network.hostLinks().first))
        try network.delete(container: 0)
        _ = try network.add(container: 1)
        #expect(network.leases().count == 4)
        try network.delete(container: 1)
        #expect(network.leases() == [])
    }

    @Test func `a failed ADD leaves neither shim nor lease`() throws {
        var network = try network()
        // An address for the container, and none for the host.
        network.ipam = """
            {"type": "host-local", "subnet": "192.168.56.0/24", "rangeStart": "192.168.56.128", \
            "rangeEnd": "192.168.56.128"}
            """
        let before = try network.lab.snapshot(files: false)
        let answer = try network.call("ADD")
        #expect(answer.error?.message.hasPrefix("hostShim: no address for the host: ") == true, "\(answer)")
        expectUnchanged(before, try network.lab.snapshot(files: false))
        #expect(network.leases() == [])
    }

    @Test(arguments: [
        ("ip link delete $shim", "the host's link on the network, is gone"),
        ("ip link set $shim down", "is down"),
        ("ip route delete 192.168.56.128", "lacks the route to 192.168.56.128"),
        ("ip address flush dev $shim scope global", "has no IPv4 address"),
    ])
    func `CHECK names what is broken`(line: String, message: String) throws {
        let network = try network()
        let (text, result) = try network.add()
        try network.lab.host.shell("shim=\(result.interfaces[1].name); \(line)")
        let answer = try network.call("CHECK", prevResult: text)
        #expect(answer.error?.message.contains(message) == true, "\(answer)")
    }

    @Test func `containers that come and go at once leave nothing`() throws {
        let network = try network(containers: 8)
        for _ in 0..<3 {
            let answers = try inParallel(8) { container in
                let added = try network.call("ADD", container: container)
                let deleted = try network.call("DEL", container: container)
                return added.isSuccess && deleted.isSuccess ? nil : "\(added) \(deleted)"
            }
            #expect(answers.compactMap { $0 } == [])
            #expect(try network.hostLinks() == [] && network.leases() == [])
        }
    }
}
