import CNI
import Foundation
import TestSupport
import Testing

/// Plugins that are killed, with kill -9, before each of their system calls in turn, during ADD and during DEL. After a plain
/// DEL nothing is left, and nothing after a GC without any DEL once the sandbox is gone.
@Suite(
    .needsLab, .needs(.macvlan),
    .enabled(if: Subprocess.find("strace") != nil, "needs the program strace"))
struct KilledTests {
    /// The system calls by which something changes, or ends. Between two of them it makes no difference where a process
    /// is killed.
    private static let calls = [
        "sendmsg", "sendto", "setsockopt", "write", "pwrite64", "mkdir", "mkdirat", "renameat", "renameat2", "unlinkat",
        "fsync", "ftruncate", "flock", "vfork", "clone", "exit_group",
    ]

    @Test(arguments: ChainVictim.all, ["ADD", "DEL"])
    func `whenever it is killed, nothing is left`(victim: ChainVictim, command: String) throws {
        let chain = try DisturbedChain(victim)
        let network = chain.network
        let places = try chain.places(of: Self.calls, command)
        // What belongs to the network, such as the bridge, is there from the first container on.
        let before = try chain.facts()
        var kills = 0
        for (position, place) in places.enumerated() {
            let sandbox = try chain.lab.addContainer()
            defer { sandbox.remove() }
            if command == "DEL" {
                chain.expectSuccess(try network.call("ADD", sandbox: sandbox.path), "before \(place)")
            }
            let step = chain.step(place, "signal=SIGKILL")
            if !(try network.call(command, sandbox: sandbox.path, step: step).allSatisfy(\.isSuccess)) { kills += 1 }
            if position % 2 == 0 {
                chain.expectSuccess(try network.call("DEL", sandbox: sandbox.path), "DEL before \(place)")
            } else {
                sandbox.remove()
                let living = #""cni.dev/valid-attachments": []"#
                chain.expectSuccess(try network.call("GC", sandbox: "", members: living), "GC before \(place)")
            }
            // Looking takes longer than the rest; what is left stays to be seen.
            guard position % 8 == 7 || position == places.count - 1 else { continue }
            // A namespace goes a moment after its name.
            var changes = ""
            _ = try waitUntil(seconds: 5) {
                changes = before.changes(to: try chain.facts())
                return changes.isEmpty
            }
            let latest = places[(position & ~7)...position]
            #expect(changes.isEmpty, "one of \(command) \(Array(latest)) left:\n\(changes)")
        }
        print("tried \(places.count) kills")
        // The first attachment of a network makes more calls than the others.
        #expect(kills > 4 && kills > places.count / 2, "\(kills) kills at \(places.count) places")
    }
}
