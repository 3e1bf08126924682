import TestSupport
import Testing

/// Many containers at once.
@Suite(.needsPortLab)
struct FirewallParallelTests {
    private static let count = 48

    @Test(arguments: PacketFilterBackend.allCases)
    func nobodyIsLostAndNothingIsLeft(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        try ports.host.shell("ip link add cni1 type bridge; ip link add cni2 type bridge")
        let before = try ports.lab.snapshot(files: false)
        // Two networks on two bridges, and one without a policy.
        let networks = try [(1, "same-bridge"), (2, "same-bridge"), (1, "open")].map {
            try FirewallNetwork(ports, backend, number: $0, policy: $1)
        }
        let call = { @Sendable (command: String, number: Int, isTold: Bool) in
            let network = networks[number % 3]
            let prevResult = """
                {"cniVersion": "1.1.0", "interfaces": [{"name": "cni\(number % 3 + 1 == 2 ? 2 : 1)"},
                 {"name": "eth0", "sandbox": "/x"}],
                 "ips": [{"address": "10.1.0.\(number + 2)/16", "interface": 1}, {"address": "fd01::\(number + 2)/64"}]}
                """
            return try ports.lab.call(
                "firewall", command, network.configuration(prevResult: isTold ? prevResult : nil),
                containerID: "container-\(number)", variables: ["PATH": network.network.path], timeout: 60)
        }
        for command in ["ADD", "CHECK"] {
            expectSuccess(try inParallel(Self.count) { try call(command, $0, true) }, "\(backend), \(command)")
        }
        // Half of them at a time, while others come back.
        let isEven = { @Sendable (number: Int) in number % 2 == 0 }
        expectSuccess(
            try inParallel(Self.count) { isEven($0) ? try call("DEL", $0, false) : try call("CHECK", $0, true) },
            "\(backend)")
        expectSuccess(
            try inParallel(Self.count) { isEven($0) ? try call("ADD", $0, true) : try call("DEL", $0, true) },
            "\(backend)")
        expectSuccess(
            try inParallel(Self.count) { isEven($0) ? try call("CHECK", $0, true) : try call("DEL", $0, true) },
            "\(backend)")
        expectSuccess(try inParallel(Self.count) { try call("DEL", $0, $0 % 3 == 0) }, "\(backend)")
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    private func expectSuccess(
        _ answers: [Lab.Answer], _ note: String, at location: SourceLocation = #_sourceLocation
    ) {
        let failed = answers.filter { !$0.isSuccess }
        #expect(
            failed.isEmpty, "\(note): \(failed.count) failed, such as \(failed.prefix(2))", sourceLocation: location)
    }
}
