import CNI
import TestSupport
import Testing

/// Containers come, talk, and go, 510 times in all, in a network with everything and three addresses only: an address belongs
/// to somebody else every three cycles, and the published port every time.
@Suite(.needsPortLab)
struct ChurnTests {
    private static let cycles = 170
    private static let port = 8080
    /// Whoever asks from the same port again would be led by what the kernel tracks to whom it asked before.
    private static let sourcePort = 40_000

    @Test(arguments: PacketFilterBackend.allCases)
    func `the first ping is answered at once, and every flow finds the right container`(
        backend: PacketFilterBackend
    ) throws {
        let ports = try PortLab()
        try ports.setBridgeFiltering(false)
        let chain = try WholeChain(ports, backend, range: #""rangeEnd": "10.1.0.5""#)
        // One that stays, and remembers who had which address.
        let neighbour = ports.container
        let stays = try chain.add("neighbour", neighbour, port: 9090)
        let before = try ports.lab.snapshot(files: false)
        var latencies: [Double] = []
        var holders: [String: Int] = [:]
        for cycle in 0..<Self.cycles {
            let (id, name) = ("container-\(cycle)", "cycle \(cycle)")
            let sandbox = try ports.lab.addContainer()
            defer { sandbox.remove() }
            try sandbox.ip("link", "set", "lo", "up")
            try ports.serve(in: sandbox, as: name, on: [80], protocols: [.tcp, .udp])
            let attachment = try chain.add(id, sandbox, port: Self.port)
            let address = attachment.address
            holders[address, default: 0] += 1
            let ping = try ports.host.ping(address)
            let latency = try #require(ping.milliseconds, "\(backend), cycle \(cycle), \(address): \(ping.report)")
            latencies.append(latency)
            let questions = [PortProtocol.tcp, .udp].flatMap { kind in
                [(neighbour, address, 80), (ports.host, address, 80), (ports.outside, "192.0.2.1", Self.port)].map {
                    PortExpectation.answer(
                        from: $0, to: $1, $2, kind, by: name, sourcePort: Self.sourcePort)
                }
            }
            try expect(ports, "\(backend), cycle \(cycle), \(address)", questions)
            try chain.succeed("DEL", id, sandbox, port: Self.port)
            // The servers would keep the namespace.
            try ports.stopServing(in: sandbox)
        }
        #expect(latencies.allSatisfy { $0 <= 50 }, "\(backend): \(latencies.filter { $0 > 50 }) ms")
        #expect(holders.count == 3 && holders.values.allSatisfy { $0 >= Self.cycles / 3 }, "\(holders)")
        try chain.succeed("CHECK", "neighbour", neighbour, port: 9090, prevResult: stays.text)
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }
}
