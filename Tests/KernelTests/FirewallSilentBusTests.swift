import CNI
import TestSupport
import Testing

/// The firewall plugin where nobody can say whether firewalld runs: no command waits for that without end.
@Suite(.needsPortLab) struct FirewallSilentBusTests {
    @Test(arguments: [false, true]) func aMessageBusThatDoesNotAnswer(isFull: Bool) throws {
        let ports = try PortLab()
        let bus = try SilentBus(at: ports.lab.path("bus"), isFull: isFull)
        var network = try FirewallNetwork(ports, .nftables)
        network.variables = [Firewalld.variable: bus.address]
        let attached = try network.network.attach()
        let before = try ports.lab.snapshot(files: false)
        var silent = network
        silent.network.backendKey = nil
        let clock = ContinuousClock()
        for (command, code) in [
            ("ADD", CNIError.Code.tryAgainLater), ("CHECK", .tryAgainLater), ("STATUS", .notAvailable),
        ] {
            let begun = clock.now
            let answer = try silent.call(command, prevResult: attached)
            #expect(begun.duration(to: clock.now) < .seconds(20))
            #expect(answer.error?.code == code, "\(command): \(answer)")
            #expect(answer.error?.message.contains("message bus") == true, "\(command): \(answer)")
        }
        #expect(try ports.lab.snapshot(files: false) == before)
        // Who names another backend does without.
        try network.admit(prevResult: attached)
        try network.succeed("CHECK", prevResult: attached)
        // The rules go, whatever the bus does; that it may know of the addresses too is said.
        let answer = try silent.call("DEL", prevResult: attached)
        #expect(answer.error?.code == .tryAgainLater, "\(answer)")
        #expect(try ports.lab.snapshot(files: false) == before)
        try network.succeed("DEL", prevResult: attached)
    }
}
