import CNI
import TestSupport
import Testing

/// What STATUS says of a host whose kernel has everything, and whose PATH has not.
@Suite(.needsPortLab)
struct PortmapStatusTests {
    /// The backend `iptables` is what `iptables` is on the host; nftables needs no program.
    @Test(arguments: ["portmap", "bridge"])
    func iptablesIsNotAvailableWithoutTheProgram(plugin: String) throws {
        let lab = try Lab()
        let before = try lab.snapshot()
        for (backend, path, isAvailable) in [
            ("iptables", lab.folder, false), ("iptables", nil, true), ("nftables", lab.folder, true),
            // Nobody is named: what is there is used.
            (nil, lab.folder, true), (nil, nil, true),
        ] {
            let keys = backend.map { #", "backend": "\#($0)", "ipMasqBackend": "\#($0)""# } ?? ""
            let answer = try lab.call(
                plugin, "STATUS",
                #"{"cniVersion": "1.1.0", "name": "net1", "type": "\#(plugin)", "ipMasq": true\#(keys)}"#,
                variables: path.map { ["PATH": $0] } ?? [:])
            let note = "\(backend ?? "no backend"), \(path ?? "the usual PATH"): \(answer)"
            #expect(answer.isSuccess == isAvailable, "\(note)")
            if isAvailable { continue }
            #expect(answer.error?.code == .notAvailable, "\(note)")
            #expect(answer.error?.message.contains("there is no program iptables") == true, "\(note)")
        }
        expectUnchanged(before, try lab.snapshot())
    }
}
