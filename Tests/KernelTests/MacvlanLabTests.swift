import CNI
import Foundation
import JSON
import NetworkAddress
import TestSupport
import Testing

/// The lab of the README, as a person goes through it: cnitool and `conf/macvlan.conflist`.
@Suite(.needsLab, .needs(.macvlan))
struct MacvlanLabTests {
    @Test func `containers on the physical network reach its router and each other`() throws {
        let network = try MacvlanNetwork(containers: 2)
        let lab = network.lab
        // The file as it is, but for where leases are kept.
        let file = Repository.root.appending(path: "conf/macvlan.conflist")
        let text = try String(contentsOf: file, encoding: .utf8)
            .replacing(#""type": "host-local","#, with: #""type": "host-local", "dataDir": "\#(lab.path("data"))","#)
        #expect(text.contains(lab.path("data")))
        try lab.write(text, to: "conf/macvlan.conflist")
        func tool(_ command: String, _ container: Int) throws -> Subprocess.Outcome {
            try lab.host.run(
                "env",
                [
                    "CNI_PATH=\(Executables.folder)", "NETCONFPATH=\(lab.path("conf"))",
                    Executables.path(of: "cnitool"),
                    command, "--cache", lab.path("cache"), "macvlan", lab.containers[container].path,
                ])
        }
        var results: [AttachmentResult] = []
        for container in 0...1 {
            let outcome = try tool("add", container)
            results.append(try Lab.Answer(outcome: outcome).result())
        }
        #expect(results.map { $0.ips.map(\.address.description) } == [["192.168.56.128/24"], ["192.168.56.129/24"]])
        #expect(results[0].ips.first?.gateway?.description == "192.168.56.1")
        for container in 0...1 {
            #expect(try lab.containers[container].ping("192.168.56.1").isAnswered)
            let mac = try lab.containers[container].link("eth0")?.address
            #expect(mac != nil && mac == results[container].interfaces.first?.mac)
            // The router sees the container's own hardware address, not the host's.
            #expect(try network.macSeenByRouter("192.168.56.\(128 + container)") == mac)
            #expect(try lab.host.link("enp0s8")?.address != mac)
        }
        #expect(try lab.containers[0].ping("192.168.56.129").isAnswered)
        // Beyond the router, by the default route.
        try network.router.shell("ip link set lo up; ip address add 203.0.113.9/32 dev lo")
        #expect(try lab.containers[0].ping("203.0.113.9").isAnswered)

        for container in 0...1 { #expect(try tool("check", container).isSuccess) }
        for container in 0...1 {
            let outcome = try tool("del", container)
            #expect(outcome.isSuccess, "\(outcome)")
            #expect(try lab.containers[container].link("eth0") == nil)
        }
        let leases = try FileManager.default.contentsOfDirectory(atPath: lab.path("data/macvlan"))
        #expect(leases.filter { $0.hasPrefix("192.") } == [])
        #expect(try network.hostLinks() == [])
    }
}
