import CNI
import Foundation
import JSON
import NetworkAddress
import TestSupport
import Testing

/// The bridge plugin on a real kernel: what ADD makes, what CHECK sees, what DEL leaves.
@Suite(.needsLab)
struct BridgeAttachmentTests {
    /// A bridge without an address of its own takes the least of its ports', so that joining it changes it.
    @Test func aBridgeMadeByHandIsReportedAsItIsAfterwards() throws {
        let lab = try Lab()
        try lab.host.ip("link", "add", "cni0", "type", "bridge")
        let network = BridgeNetwork(lab)
        let (text, result) = try network.add()
        #expect(result.interfaces.first?.mac == (try lab.host.link("cni0")?.address))
        let check = try network.call("CHECK", prevResult: text)
        #expect(check.isSuccess, "\(check)")
    }

    /// What its caller does about its children is no concern of a plugin, which waits for its own.
    @Test func whoeverIgnoresChildrenIsNoHindrance() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        for command in ["ADD", "DEL"] {
            let answer = try lab.call(
                "bridge", command, network.configuration(), searchPath: network.searchPath,
                prefix: ["/bin/sh", "-c", #"trap '' CHLD; exec "$0""#])
            #expect(answer.isSuccess, "\(command): \(answer)")
        }
    }

    /// The kernel makes a routing table with its first route: a namespace whose loopback interface was never up has none.
    @Test func aHostThatNeverHadARouteIsNoHindrance() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        let outcome = try lab.host.run(
            "unshare",
            [
                "--net", "env", "CNI_COMMAND=ADD", "CNI_CONTAINERID=c", "CNI_NETNS=\(lab.container.path)",
                "CNI_IFNAME=eth0", "CNI_PATH=\(network.searchPath)", Executables.path(of: "bridge"),
            ], input: Array(network.configuration().utf8))
        #expect(outcome.isSuccess, "\(outcome)")
    }

    @Test func addMakesTheWholeAttachmentAndSaysSo() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        let result = try network.add().result

        let bridge = try #require(try lab.host.link("cni0"))
        let port = try #require(try lab.host.links().first { $0.master == "cni0" })
        let inside = try #require(try lab.container.link("eth0"))
        #expect(bridge.kind == "bridge" && bridge.isUp)
        #expect(port.kind == "veth" && port.isUp && port.ifname?.hasPrefix("veth") == true)
        #expect(port.linkinfo?.info_slave_data?.state == "forwarding")
        #expect(port.ifalias == "cni:net1/container-0/eth0")
        #expect(inside.kind == "veth" && inside.isUp && inside.mtu == 1500)

        #expect(result.interfaces.map(\.name) == ["cni0", port.ifname, "eth0"])
        #expect(result.interfaces.map(\.mac) == [bridge.address, port.address, inside.address])
        #expect(result.interfaces.map(\.sandbox) == [nil, nil, lab.container.path])
        #expect(result.ips.map(\.address.description) == ["10.1.0.2/16", "fd01::2/64"])
        #expect(result.ips.map(\.interface) == [2, 2])
        #expect(result.ips.map(\.gateway?.description) == ["10.1.0.1", "fd01::1"])

        #expect(
            try lab.container.addresses(of: "eth0").filter { !$0.hasPrefix("fe80") } == ["10.1.0.2/16", "fd01::2/64"])
        #expect(try lab.host.addresses(of: "cni0").filter { !$0.hasPrefix("fe80") } == ["10.1.0.1/16", "fd01::1/64"])
        let gateways = try lab.container.routes().filter { $0.dst == "default" }.compactMap(\.gateway)
        #expect(Set(gateways) == ["10.1.0.1", "fd01::1"])
        #expect(try lab.host.sysctl("ipv4/ip_forward") == "1")
        #expect(try lab.host.sysctl("ipv6/conf/all/forwarding") == "1")
        #expect(network.leases() == ["10.1.0.2", "fd01::2"])
    }

    @Test func theVeryFirstPacketsArrive() throws {
        let lab = try Lab(containers: 2)
        let network = BridgeNetwork(lab)
        for container in 0...1 {
            _ = try network.add(container: container)
            for address in ["10.1.0.1", "fd01::1"] {
                let ping = try lab.containers[container].ping(address)
                #expect(ping.isAnswered, "\(address) from container \(container): \(ping.report)")
            }
        }
        for address in ["10.1.0.2", "fd01::2"] { #expect(try lab.containers[1].ping(address).isAnswered, "\(address)") }
        for address in ["10.1.0.3", "fd01::3"] { #expect(try lab.host.ping(address).isAnswered, "\(address)") }
    }

    @Test(arguments: [("10.1.0.77", "IP=10.1.0.77"), ("fd01::77", "IP=fd01::77")])
    func anAddressThatMovesIsReachedAtOnce(address: String, arguments: String) throws {
        let lab = try Lab(containers: 3)
        var network = BridgeNetwork(lab)
        network.ipam =
            address.contains(":")
            ? #"{"type": "host-local", "ranges": [[{"subnet": "fd01::/64"}]]}"# : BridgeNetwork.ipv4
        _ = try network.add(container: 2)
        _ = try network.add(container: 0, arguments: arguments)
        let stranger = try #require(try lab.container.link("eth0")?.address)
        // The host and a neighbour both learn the first owner's hardware address.
        #expect(try lab.host.ping(address).isAnswered)
        #expect(try lab.containers[2].ping(address).isAnswered)
        #expect(try lab.host.neighbours().contains { $0.dst == address && $0.lladdr == stranger })

        #expect(try network.call("DEL", container: 0).isSuccess)
        _ = try network.add(container: 1, arguments: arguments)
        for place in [lab.host, lab.containers[2]] {
            let ping = try place.ping(address)
            #expect(ping.isAnswered && (ping.milliseconds ?? 1000) < 50, "from \(place): \(ping.report)")
        }
    }

    @Test func delLeavesNothingAndCanBeRepeated() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        let before = try lab.snapshot(files: false)
        let prevResult = try network.add().text
        for sandbox in [lab.container.path, lab.container.path, "/run/netns/never-was"] {
            let answer = try network.call("DEL", prevResult: prevResult, sandbox: sandbox)
            #expect(answer.isSuccess && answer.outcome.output.isEmpty, "\(answer)")
        }
        #expect(try network.hostLinks() == ["cni0"])
        #expect(network.leases() == [])
        try lab.host.ip("link", "delete", "cni0")
        try lab.host.shell("echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding")
        expectUnchanged(before, try lab.snapshot(files: false))
    }

    @Test func delWithoutASandboxReleasesTheAddressAndTheLink() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        _ = try network.add()
        // The sandbox lives on, but the runtime does not name it any more.
        let answer = try lab.call(
            "bridge", "DEL", network.configuration(), containerID: "container-0", variables: ["CNI_NETNS": ""])
        #expect(answer.isSuccess, "\(answer)")
        #expect(network.leases() == [])
        #expect(try network.hostLinks() == ["cni0"])
        #expect(try lab.container.link("eth0") == nil)
    }

    @Test func delAfterTheSandboxIsGone() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        _ = try network.add()
        lab.container.remove()
        #expect(try network.call("DEL").isSuccess)
        #expect(network.leases() == [])
        #expect(try network.hostLinks() == ["cni0"])
    }

    @Test func aSecondAddOfTheSameAttachmentIsRefusedAndChangesNothing() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        _ = try network.add()
        let before = try lab.snapshot()
        let answer = try network.call("ADD")
        #expect(!answer.isSuccess && answer.error != nil, "\(answer)")
        expectUnchanged(before, try lab.snapshot())
    }

    @Test func anInterfaceNameThatIsTakenIsNamed() throws {
        let lab = try Lab()
        let network = BridgeNetwork(lab)
        try lab.container.ip("link", "add", "eth0", "type", "bridge")
        let before = try lab.snapshot(files: false)
        let answer = try network.call("ADD")
        #expect(
            answer.error?.message.contains("eth0 already exists in the sandbox \(lab.container.path)") == true,
            "\(answer)")
        expectUnchanged(before, try lab.snapshot(files: false))
        #expect(network.leases() == [])
    }

    @Test func twoInterfacesOfOneContainerOnOneNetwork() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.ipam = BridgeNetwork.ipv4
        network.keys = #""isGateway": true"#
        _ = try network.add(interface: "eth0")
        _ = try network.add(interface: "eth1")
        #expect(network.leases() == ["10.1.0.2", "10.1.0.3"])
        #expect(try network.call("DEL", interface: "eth0").isSuccess)
        #expect(network.leases() == ["10.1.0.3"])
        #expect(try lab.container.link("eth1") != nil && lab.container.link("eth0") == nil)
    }

    /// podman attaches a container to each of its networks, and each wants to be its way to the world.
    @Test func aContainerOnSeveralNetworksGoesByTheFirst() throws {
        let lab = try Lab()
        let first = BridgeNetwork(lab)
        var second = BridgeNetwork(lab)
        second.name = "net2"
        second.keys = #""bridge": "cni2", "isDefaultGateway": true"#
        second.ipam = #"{"type": "host-local", "ranges": [[{"subnet": "10.2.0.0/16"}], [{"subnet": "fd02::/64"}]]}"#
        let results = [try first.add(interface: "eth0").text, try second.add(interface: "eth1").text]
        let defaults = try lab.container.routes().filter { $0.dst == "default" }
        #expect(Set(defaults.compactMap(\.gateway)) == ["10.1.0.1", "fd01::1"])
        for (network, interface, result) in [(first, "eth0", results[0]), (second, "eth1", results[1])] {
            let check = try network.call("CHECK", prevResult: result, interface: interface)
            #expect(check.isSuccess, "\(check)")
        }
        #expect(try lab.container.ping("10.2.0.1").isAnswered)
        #expect(try second.call("DEL", interface: "eth1").isSuccess)
        #expect(try first.call("CHECK", prevResult: results[0]).isSuccess)
    }

    @Test func manyAtOnceGetOneBridgeAndDifferentAddresses() async throws {
        let lab = try Lab(containers: 12)
        let network = BridgeNetwork(lab)
        let addresses = try await withThrowingTaskGroup(of: [String].self) { group in
            for container in lab.containers.indices {
                group.addTask { try network.add(container: container).result.ips.map(\.address.description) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(addresses).count == 24)
        #expect(try lab.host.links().filter { $0.kind == "bridge" }.count == 1)
        #expect(try lab.host.links().filter { $0.master == "cni0" }.count == 12)
        for container in lab.containers { #expect(try container.ping("10.1.0.1").isAnswered) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for container in lab.containers.indices {
                group.addTask {
                    let answer = try network.call("DEL", container: container)
                    #expect(answer.isSuccess, "\(answer)")
                }
            }
            try await group.waitForAll()
        }
        #expect(try network.hostLinks() == ["cni0"])
        #expect(network.leases() == [])
    }

    @Test func garbageCollectionRemovesWhatIsNotListedAndNothingElse() throws {
        let lab = try Lab(containers: 3)
        var network = BridgeNetwork(lab)
        network.version = "1.1.0"
        var other = network
        other.name = "net2"
        other.keys = #""isGateway": true, "forceAddress": true"#
        other.ipam = #"{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16", "rangeStart": "10.1.9.9"}]]}"#
        _ = try network.add(container: 0)
        _ = try network.add(container: 1)
        _ = try other.add(container: 2)
        let list = #""cni.dev/valid-attachments": [{"containerID": "container-1", "ifname": "eth0"}]"#
        #expect(try network.call("GC", members: list).isSuccess)
        #expect(network.leases() == ["10.1.0.3", "fd01::3"])
        #expect(try lab.container.link("eth0") == nil)
        #expect(try lab.containers[1].link("eth0") != nil)
        #expect(try lab.containers[2].link("eth0") != nil)
        #expect(other.leases() == ["10.1.9.9"])
        // Without a list nothing is known to be garbage; with an empty one everything is.
        #expect(try network.call("GC").isSuccess)
        #expect(try lab.containers[1].link("eth0") != nil)
        #expect(try network.call("GC", members: #""cni.dev/attachments": []"#).isSuccess)
        #expect(network.leases() == [])
        #expect(try lab.containers[1].link("eth0") == nil)
        #expect(try lab.containers[2].link("eth0") != nil)
    }

    @Test func layerTwoOnly() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.ipam = nil
        network.keys = ""
        let result = try network.add().result
        #expect(result.ips.isEmpty && result.interfaces.count == 3)
        #expect(try lab.container.link("eth0")?.isUp == true)
        #expect(try lab.container.sysctl("ipv6/conf/eth0/accept_ra") == "1")
        #expect(try lab.container.sysctl("ipv6/conf/eth0/disable_ipv6") == "0")
        #expect(try network.call("DEL").isSuccess)
        network.ipam = #"{"type": ""}"#
        network.keys = #""disableIPv6": true"#
        #expect(try network.add().result.ips.isEmpty)
        #expect(try lab.container.sysctl("ipv6/conf/eth0/disable_ipv6") == "1")
    }

    @Test func statusOfAFullPoolAndOfAWrongBridge() throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.version = "1.1.0"
        network.ipam = #"{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/30"}]]}"#
        #expect(try network.call("STATUS").isSuccess)
        _ = try network.add()
        #expect(try network.call("STATUS").error?.code == .notAvailable)
        try lab.host.ip("link", "add", "wrong0", "type", "veth", "peer", "name", "wrong1")
        network.keys = #""bridge": "wrong0""#
        #expect(try network.call("STATUS").error?.message.contains("wrong0 is no bridge but veth") == true)
    }
}
