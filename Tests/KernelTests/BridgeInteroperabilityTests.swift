import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// The reference plugins and ours on the same containers: users swap executables under running containers.
@Suite(
    .needsLab,
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: "/usr/lib/cni/bridge"),
        "needs the package containernetworking-plugins"))
struct BridgeInteroperabilityTests {
    private static let reference = "/usr/lib/cni"

    private func call(_ network: BridgeNetwork, _ command: String, byReference: Bool, prevResult: String? = nil) throws
        -> Lab.Answer
    {
        try network.call(
            command, prevResult: prevResult, plugin: byReference ? "\(Self.reference)/bridge" : "bridge",
            searchPath: byReference ? Self.reference : Executables.folder)
    }

    @Test(arguments: [false, true], ["0.4.0", "1.0.0"])
    func oneAddsTheOtherChecksAndDeletes(referenceAdds: Bool, version: String) throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.version = version
        network.keys = #""isDefaultGateway": true, "hairpinMode": true"#
        let added = try call(network, "ADD", byReference: referenceAdds)
        #expect(added.isSuccess, "\(added)")
        let text = added.outcome.outputText
        let checked = try call(network, "CHECK", byReference: !referenceAdds, prevResult: text)
        #expect(checked.isSuccess, "\(checked)")
        let deleted = try call(network, "DEL", byReference: !referenceAdds, prevResult: text)
        #expect(deleted.isSuccess, "\(deleted)")
        #expect(try network.hostLinks() == ["cni0"])
        #expect(network.leases() == [])
    }

    @Test(arguments: ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"])
    func resultsHaveTheSameShape(version: String) throws {
        let lab = try Lab(containers: 2)
        var network = BridgeNetwork(lab)
        network.version = version
        network.keys = #""isDefaultGateway": true"#
        let theirs = try network.call(
            "ADD", container: 0, plugin: "\(Self.reference)/bridge", searchPath: Self.reference)
        let ours = try network.call("ADD", container: 1)
        #expect(theirs.isSuccess && ours.isSuccess, "\(theirs) \(ours)")
        #expect(try #require(ours.json).shape == (try #require(theirs.json).shape))
    }
}
