import CNI
import JSON
import TestSupport
import Testing

/// The kernel lets a link have macvlan or ipvlan links on it, not both.
@Suite(.needsLab, .needs(.macvlan), .needs(.ipvlan))
struct MacvlanBesideIpvlanTests {
    @Test func `a master with ipvlan links is refused`() throws {
        let network = try MacvlanNetwork()
        try network.lab.host.shell("ip link add link enp0s8 name ipv0 type ipvlan mode l2")
        let answer = try network.call("ADD")
        #expect(
            answer.error?.message == "master enp0s8 is taken: links of another kind, such as ipvlan, are on it",
            "\(answer)")
        #expect(network.leases() == [])
    }
}
