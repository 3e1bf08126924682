import CNI
import Foundation
import TestSupport
import Testing

/// The kernel refuses each system call in turn that a plugin makes during ADD. Either the plugin can do without, or it
/// answers with one error, and everything is as it was, without any DEL. Each process counts its calls by itself, so that a
/// delegate is refused too, and so may be the way back.
@Suite(
    .needsLab, .needs(.macvlan),
    .enabled(if: Subprocess.find("strace") != nil, "needs the program strace"))
struct RefusedTests {
    @Test(arguments: ChainVictim.all)
    func `whatever the kernel refuses, ADD is undone and says so`(victim: ChainVictim) throws {
        let chain = try DisturbedChain(victim)
        let places = try chain.places(of: DisturbedChain.refusedCalls, "ADD")
        let sandbox = chain.lab.container.path
        let before = try chain.facts()
        var refusals = 0
        var latest: [String] = []
        for (position, place) in places.enumerated() {
            let error = DisturbedChain.refusals[position % DisturbedChain.refusals.count]
            let step = chain.step(place, "error=\(error)")
            let answers = try chain.network.call("ADD", sandbox: sandbox, step: step)
            let last = try #require(answers.last)
            if !last.isSuccess { refusals += 1 }
            let isAborted = last.outcome.errorText.hasPrefix("cannot return from the sandbox")
            let isMute = last.outcome.errorText.contains("cannot write the result")
            #expect(last.isSuccess || last.error != nil || isAborted || isMute, "\(error) at \(place): \(last)")
            latest.append("\(error) at \(place): \(last.outcome)")
            // What was attached is detached: the whole, or the plugins before this one, which does not undo them. And where
            // the way back was refused too, or there is none, a runtime's DEL is what is left.
            let isStuck = isAborted || last.outcome.errorText.contains("rollback: ")
            if last.isSuccess || victim.number > 0 || isStuck {
                chain.expectSuccess(try chain.network.call("DEL", sandbox: sandbox), "DEL after \(place)")
            }
            guard position % 4 == 3 || position == places.count - 1 else { continue }
            let changes = before.changes(to: try chain.facts())
            #expect(changes.isEmpty, "left is:\n\(changes)\nof one of:\n\(latest.joined(separator: "\n"))")
            latest = []
        }
        print("tried \(places.count) refusals")
        #expect(refusals > 10 && refusals > places.count / 3, "\(refusals) refusals at \(places.count) places")
    }

    /// A signal interrupts each call of ADD that may wait: it is made again, and nobody notices.
    @Test(arguments: ChainVictim.all.filter { $0.backend != .iptablesNFT })
    func `what a signal interrupts is done all the same`(victim: ChainVictim) throws {
        let chain = try DisturbedChain(victim)
        let sandbox = chain.lab.container.path
        let places = try chain.places(of: ["sendmsg", "sendto", "read", "openat", "fsync", "flock", "wait4"], "ADD")
        print("tried \(places.count) interruptions")
        for place in places {
            let step = chain.step(place, "error=EINTR")
            let answers = try chain.network.call("ADD", sandbox: sandbox, step: step)
            chain.expectSuccess(answers, "EINTR at \(place)")
            chain.expectSuccess(try chain.network.call("DEL", sandbox: sandbox), "DEL after \(place)")
        }
    }
}
