import Foundation
import TestSupport
import Testing

/// Many containers at once.
@Suite(.needsPortLab)
struct PortmapParallelTests {
    private static let count = 64

    /// One namespace with an address for each of the "containers": what portmap is told counts, and packets arrive all the
    /// same.
    private func attach(_ ports: PortLab) throws -> [String] {
        let addresses = (0..<Self.count).map { "10.1.1.\($0 + 1)" }
        try ports.host.shell(
            """
            echo 1 >/proc/sys/net/ipv4/ip_forward
            ip link add cni1 type bridge
            ip address add 10.1.0.1/16 dev cni1
            ip link set cni1 up
            ip link add veth0 type veth peer name eth0 netns \(ports.container.name)
            ip link set veth0 master cni1 up
            """)
        try ports.container.shell(
            addresses.map { "ip address add \($0)/16 dev eth0\n" }.joined()
                + "ip link set eth0 up; ip route add default via 10.1.0.1")
        let sandbox = ports.container.path
        return addresses.map {
            #"""
            {"cniVersion": "1.0.0", "interfaces": [{"name": "cni1"}, {"name": "veth0"}, {"name": "eth0", "sandbox": "\#(sandbox)"}],
             "ips": [{"address": "\#($0)/16", "interface": 2, "gateway": "10.1.0.1"}]}
            """#
        }
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func everyPortAnswersAndNothingIsLeft(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, backend)
        let prevResults = try attach(ports)
        let before = try ports.lab.snapshot(files: false)
        let mappings = (0..<Self.count).map { [PublishedPort(3000 + $0, 80), PublishedPort(3000 + $0, 81, .udp)] }
        let call = { @Sendable (command: String, number: Int, isTold: Bool) in
            try ports.lab.call(
                "portmap", command,
                network.configuration(
                    isTold ? PublishedPort.json(mappings[number]) : nil, prevResult: isTold ? prevResults[number] : nil),
                containerID: "container-\(number)", variables: ["PATH": network.path], timeout: 60)
        }
        for command in ["ADD", "CHECK"] {
            let answers = try inParallel(Self.count) { try call(command, $0, true) }
            expectSuccess(answers, "\(backend), \(command)")
        }
        let questions = mappings.joined().enumerated().map { number, mapping in
            PortQuestion(
                from: number % 2 == 0 ? ports.outside : ports.host, to: "192.0.2.1", mapping.host, mapping.protocol)
        }
        for (question, reply) in zip(questions, try ports.ask(questions)) {
            #expect(reply.address == "10.1.1.\(question.port - 2999)", "\(backend), \(question): \(reply)")
        }
        // Half of them at a time, while others come back.
        let answers = try inParallel(Self.count) { number in
            number % 2 == 0 ? try call("DEL", number, false) : try call("CHECK", number, true)
        }
        expectSuccess(answers, "\(backend)")
        let again = try inParallel(Self.count) { number in
            number % 2 == 0 ? try call("ADD", number, true) : try call("DEL", number, false)
        }
        expectSuccess(again, "\(backend)")
        for (number, reply) in try ports.ask(
            (0..<4).map { PortQuestion(from: ports.outside, to: "192.0.2.1", 3000 + $0, timeout: 1) }
        ).enumerated() {
            #expect(reply.isAnswered == (number % 2 == 0), "\(backend), \(number): \(reply)")
        }
        let last = try inParallel(Self.count) { try call("DEL", $0, $0 % 3 == 0) }
        expectSuccess(last, "\(backend)")
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
