import TestSupport
import Testing

/// Containers of `cnitool` on a physical network.
@Suite(.needsLab, .needs(.macvlan))
struct MacvlanContainerTests {
    @Test func `a container of a macvlan network has what it asks for`() throws {
        let wire = try MacvlanNetwork(containers: 0)
        let scene = ContainerScene(wire.lab)
        try scene.lab.host.ip("address", "add", "192.168.56.7/24", "dev", "enp0s8")
        try scene.create("net1", ["-d", "macvlan", "--subnet", "192.168.56.0/24", "--parent", "enp0s8"])
        let outcome = try scene.run(
            "--ip", "192.168.56.99", "--mac-address", "02:42:ac:12:00:99", "--", "sh", "-c",
            "ip -br address show eth0; cat /sys/class/net/eth0/address; ping -c 1 -W 2 192.168.56.1 >&2")
        #expect(outcome.isSuccess, "\(outcome)")
        #expect(outcome.outputText.contains(" 192.168.56.99/24"))
        #expect(outcome.outputText.hasSuffix("02:42:ac:12:00:99\n"))
        let refused = try scene.run("-p", "8080:80", "true")
        #expect(refused.errorText.hasPrefix("Error: network \"net1\" has nothing for -p: "), "\(refused)")
        #expect(try scene.remains() == [])
    }
}
