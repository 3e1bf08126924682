import CNI
import TestSupport
import Testing

/// A kernel without nftables: errors that say so, and nothing half done.
@Suite(.needsLab, .lacks(.nftables))
struct PacketFilterLackingTests {
    private static let prevResult = #"{"cniVersion": "1.1.0", "ips": [{"address": "10.1.0.2/16"}]}"#

    private func configuration(_ type: String, _ backend: String) -> String {
        """
        {"cniVersion": "1.1.0", "name": "net1", "type": "\(type)", "backend": "\(backend)", "ipMasq": true,
         "ipMasqBackend": "\(backend)", "runtimeConfig": {"portMappings": [{"hostPort": 80, "containerPort": 80}]},
         "prevResult": \(Self.prevResult)}
        """
    }

    @Test(arguments: ["portmap", "bridge", "firewall"]) func statusIs50(plugin: String) throws {
        let lab = try Lab()
        let answer = try lab.call(plugin, "STATUS", configuration(plugin, "nftables"))
        #expect(answer.error?.code == .notAvailable, "\(answer)")
        #expect(answer.error?.message.contains("not supported here") == true, "\(answer)")
    }

    @Test func addIsRefusedAndDelSucceeds() throws {
        let lab = try Lab()
        let before = try lab.snapshot()
        let answer = try lab.call("portmap", "ADD", configuration("portmap", "nftables"))
        #expect(answer.error?.message.contains("cannot make table cni_ports: not supported here") == true, "\(answer)")
        for plugin in ["portmap", "bridge", "firewall"] {
            let answer = try lab.call(plugin, "DEL", configuration(plugin, "nftables"))
            #expect(answer.isSuccess, "\(answer)")
        }
        expectUnchanged(before, try lab.snapshot())
    }
}
