import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// The reference plugin and ours on the same container, and on the same backup file.
@Suite(
    .needsLab,
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: "/usr/lib/cni/tuning"),
        "needs the package containernetworking-plugins"))
struct TuningInteroperabilityTests {
    /// All that both know.
    private static let keys =
        #""mac": "\#(TuningLifecycleTests.mac)", "mtu": 1400, "promisc": true, "allmulti": true, "#
        + #""sysctl": {"net.core.somaxconn": "500", "net.ipv4.conf.eth0.log_martians": "1"}"#

    private func plugin(isReference: Bool) -> String { isReference ? "/usr/lib/cni/tuning" : "tuning" }

    @Test(arguments: [false, true], ["0.4.0", "1.0.0"])
    func oneAddsTheOtherChecksAndDeletes(referenceAdds: Bool, version: String) throws {
        let lab = try Lab()
        let network = try TuningNetwork(lab, Self.keys, version: version)
        let before = try network.link()
        let added = try network.call("ADD", plugin: plugin(isReference: referenceAdds))
        #expect(added.isSuccess, "\(added)")
        #expect(try network.link() != before)
        #expect(network.backups == ["container-0_eth0.json"])
        let text = added.outcome.outputText
        let other = plugin(isReference: !referenceAdds)
        let checked = try network.call("CHECK", prevResult: text, plugin: other)
        #expect(checked.isSuccess, "\(checked)")
        let deleted = try network.call("DEL", prevResult: text, plugin: other)
        #expect(deleted.isSuccess, "\(deleted)")
        #expect(try network.link() == before)
        #expect(network.backups == [])
    }

    @Test func backupsAndResultsSayTheSame() throws {
        let lab = try Lab(containers: 2)
        let network = try TuningNetwork(lab, Self.keys, version: "1.0.0")
        func backup(_ container: Int, isReference: Bool) throws -> (JSONObject, AttachmentResult) {
            let answer = try network.call("ADD", container: container, plugin: plugin(isReference: isReference))
            let path = "\(network.data)/container-\(container)_eth0.json"
            let bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
            return (try #require(try JSONField(JSONValue(parsing: bytes)).object()), try answer.result())
        }
        // Ours makes the folder: one that the reference made lets in nobody but root, either.
        var (ours, ourResult) = try backup(0, isReference: false)
        let (theirs, theirResult) = try backup(1, isReference: true)
        for key in ["network", "containerID", "ifname"] { ours[key] = nil }
        #expect(ours.members.map(\.key).sorted() == theirs.members.map(\.key).sorted())
        for key in ["mtu", "promisc", "allmulti"] { #expect(ours[key] == theirs[key]) }
        #expect(ourResult.interfaces.last?.mac == theirResult.interfaces.last?.mac)
    }

    /// A folder as the reference makes it, with the mode 0600, and the second ADD by the other.
    @Test(arguments: [false, true])
    func whoeverComesSecondFindsTheFolder(referenceIsFirst: Bool) throws {
        let lab = try Lab(containers: 2)
        let network = try TuningNetwork(lab, Self.keys, version: "1.0.0")
        for (container, isReference) in [(0, referenceIsFirst), (1, !referenceIsFirst)] {
            let answer = try network.call("ADD", container: container, plugin: plugin(isReference: isReference))
            #expect(answer.isSuccess, "\(answer)")
        }
        #expect(network.backups.count == 2)
    }
}
