import CNI
import Foundation
import TestSupport
import Testing

/// The kernel refuses each system call in turn that a plugin makes during DEL. Either the plugin can do without, or it answers
/// with one error; and a plain DEL, which a runtime makes then, leaves nothing.
@Suite(
    .needsLab, .needs(.macvlan),
    .enabled(if: Subprocess.find("strace") != nil, "needs the program strace"))
struct RefusedDeletionTests {
    @Test(arguments: ChainVictim.all)
    func `whatever the kernel refuses, DEL says so, and once more leaves nothing`(victim: ChainVictim) throws {
        let chain = try DisturbedChain(victim)
        let places = try chain.places(of: DisturbedChain.refusedCalls, "DEL")
        let sandbox = chain.lab.container.path
        let before = try chain.facts()
        var refusals = 0
        var latest: [String] = []
        for (position, place) in places.enumerated() {
            let error = DisturbedChain.refusals[position % DisturbedChain.refusals.count]
            chain.expectSuccess(try chain.network.call("ADD", sandbox: sandbox), "ADD before \(place)")
            let step = chain.step(place, "error=\(error)")
            let answers = try chain.network.call("DEL", sandbox: sandbox, step: step)
            // DEL goes backwards.
            let answer = try #require(answers.dropLast(victim.number).last)
            if !answer.isSuccess { refusals += 1 }
            let isMute = answer.outcome.errorText.contains("cannot write")
            let isAborted = answer.outcome.errorText.hasPrefix("cannot return from the sandbox")
            #expect(answer.isSuccess || answer.error != nil || isMute || isAborted, "\(error) at \(place): \(answer)")
            latest.append("\(error) at \(place): \(answer.outcome)")
            chain.expectSuccess(try chain.network.call("DEL", sandbox: sandbox), "DEL after \(place)")
            guard position % 4 == 3 || position == places.count - 1 else { continue }
            let changes = before.changes(to: try chain.facts())
            #expect(changes.isEmpty, "left is:\n\(changes)\nof one of:\n\(latest.joined(separator: "\n"))")
            latest = []
        }
        print("tried \(places.count) refusals of DEL")
        #expect(refusals > places.count / 10, "\(refusals) refusals at \(places.count) places")
    }
}
