import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// The reference plugins and ours on the same containers: users swap executables under running containers.
@Suite(
    .needsLab, .needs(.macvlan),
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: "/usr/lib/cni/macvlan"),
        "needs the package containernetworking-plugins"))
struct MacvlanInteroperabilityTests {
    private static let reference = "/usr/lib/cni"

    private func call(
        _ network: MacvlanNetwork, _ command: String, byReference: Bool, container: Int = 0, prevResult: String? = nil
    ) throws -> Lab.Answer {
        try network.call(
            command, container: container, prevResult: prevResult,
            plugin: byReference ? "\(Self.reference)/macvlan" : "macvlan",
            searchPath: byReference ? Self.reference : nil
        )
    }

    @Test(arguments: [false, true], ["bridge", "private", "vepa", "passthru"])
    func `one adds, the other checks and deletes`(referenceAdds: Bool, mode: String) throws {
        var network = try MacvlanNetwork()
        network.version = "1.0.0"
        network.keys += #", "mode": "\#(mode)", "mtu": 1400"#
        let added = try call(network, "ADD", byReference: referenceAdds)
        #expect(added.isSuccess, "\(added)")
        let text = added.outcome.outputText
        let checked = try call(network, "CHECK", byReference: !referenceAdds, prevResult: text)
        #expect(checked.isSuccess, "\(checked)")
        let deleted = try call(network, "DEL", byReference: !referenceAdds, prevResult: text)
        #expect(deleted.isSuccess, "\(deleted)")
        #expect(try network.lab.container.link("eth0") == nil)
        #expect(network.leases() == [])
    }

    @Test(arguments: ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"])
    func `results have the same shape`(version: String) throws {
        var network = try MacvlanNetwork(containers: 2)
        network.version = version
        let theirs = try call(network, "ADD", byReference: true, container: 0)
        let ours = try call(network, "ADD", byReference: false, container: 1)
        #expect(theirs.isSuccess && ours.isSuccess, "\(theirs) \(ours)")
        #expect(try #require(ours.json).shape == (try #require(theirs.json).shape))
    }
}
