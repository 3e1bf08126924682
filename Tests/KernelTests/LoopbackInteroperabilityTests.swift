import Foundation
import TestSupport
import Testing

/// The reference's loopback and host-local, and ours, on the same containers: users swap executables under running containers.
@Suite(
    .needsLab,
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: "/usr/lib/cni/loopback"),
        "needs the package containernetworking-plugins"))
struct LoopbackInteroperabilityTests {
    private func plugin(_ name: String, isReference: Bool) -> String { isReference ? "/usr/lib/cni/\(name)" : name }

    @Test(arguments: [false, true], ["0.4.0", "1.0.0"])
    func `one brings lo up, the other checks it and takes it down`(referenceAdds: Bool, version: String) throws {
        let lab = try Lab()
        let call = { (command: String, isReference: Bool, prevResult: String?) in
            let result = prevResult.map { #", "prevResult": "# + $0 } ?? ""
            let answer = try lab.call(
                plugin("loopback", isReference: isReference), command,
                #"{"cniVersion": "\#(version)", "name": "cni-loopback", "type": "loopback"\#(result)}"#, interface: "lo"
            )
            #expect(answer.isSuccess, "\(command): \(answer)")
            return answer.outcome.outputText
        }
        let added = try call("ADD", referenceAdds, nil)
        #expect(try lab.container.link("lo")?.isUp == true)
        _ = try call("CHECK", !referenceAdds, added)
        _ = try call("DEL", !referenceAdds, added)
        #expect(try lab.container.link("lo")?.isUp == false)
    }

    @Test(arguments: [false, true], ["0.4.0", "1.0.0"])
    func `one takes an address, the other finds the lease and releases it`(referenceAdds: Bool, version: String) throws
    {
        let lab = try Lab()
        let call = { (command: String, container: String, isReference: Bool, prevResult: String?) in
            let result = prevResult.map { #", "prevResult": "# + $0 } ?? ""
            return try lab.call(
                plugin("host-local", isReference: isReference), command,
                #"""
                {"cniVersion": "\#(version)", "name": "net1", "type": "bridge", "ipam": {"type": "host-local",
                "dataDir": "\#(lab.path("data"))", "ranges": [[{"subnet": "10.1.0.0/29"}], [{"subnet": "fd01::/64"}]]}\#(result)}
                """#, containerID: container)
        }
        // One after the other: neither gives what the other one has given.
        var results: [String] = []
        for (container, isReference) in [("one", referenceAdds), ("two", !referenceAdds), ("three", referenceAdds)] {
            let added = try call("ADD", container, isReference, nil)
            try #require(added.isSuccess, "\(added)")
            results.append(added.outcome.outputText)
            #expect(added.outcome.outputText.contains("10.1.0.\(results.count + 1)/29"), "\(added)")
        }
        for (container, isReference) in [("one", !referenceAdds), ("two", referenceAdds), ("three", !referenceAdds)] {
            let result = results.removeFirst()
            let checked = try call("CHECK", container, isReference, result)
            #expect(checked.isSuccess, "\(checked)")
            let deleted = try call("DEL", container, isReference, result)
            #expect(deleted.isSuccess, "\(deleted)")
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: lab.path("data/net1"))
        #expect(files.filter { $0.hasPrefix("10.") || $0.hasPrefix("fd") } == [])
    }
}
