import CNI
import Foundation
import TestSupport
import Testing

/// 200 containers come and go at once in one network with everything, while containers of another network, with its leases in
/// the same folder and its rules in the same tables, come and are collected, and somebody else changes rules of iptables.
@Suite(.needsPortLab)
struct ParallelChainTests {
    private static let count = 200

    @Test(arguments: PacketFilterBackend.allCases)
    func `200 at once: no rule is lost, no address is given twice, nobody fails`(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        try ports.setBridgeFiltering(false)
        // What a bridge turns on stays on.
        try ports.host.shell(
            "for name in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >/proc/sys/net/$name; done")
        let chain = try WholeChain(ports, backend)
        let other = try WholeChain(ports, backend, number: 2)
        let (sandboxes, stale) = try (addSandboxes(ports), ports.lab.addContainer())
        defer { for sandbox in sandboxes + [stale] { sandbox.remove() } }
        let pristine = try ports.lab.snapshot(files: false)
        let kept = try other.add("kept", ports.container, port: 2999)
        let before = try ports.lab.snapshot(files: false)

        let attachments = Attachments(Self.count)
        let attach = { @Sendable (number: Int) in
            attachments[number] = try chain.add("container-\(number)", sandboxes[number], port: 3000 + number)
        }
        let call = { @Sendable (command: String, number: Int) in
            try chain.succeed(
                command, "container-\(number)", sandboxes[number], port: 3000 + number,
                prevResult: command == "CHECK" ? attachments[number]?.text : nil)
            if command == "DEL" { attachments[number] = nil }
        }
        let isEven = { @Sendable (number: Int) in number % 2 == 0 }
        // A container of the other network comes, and is gone without DEL.
        let collector = Repeating { round in
            _ = try other.add("stale-\(round)", stale, port: 2998)
            try other.collectGarbage(keeping: ["kept"])
        }
        let administrator = Repeating { _ in try changeRules(ports.host) }
        defer { for bystander in [collector, administrator] { _ = try? bystander.stop() } }

        try inParallel(Self.count) { try attach($0) }
        try expectEverybody(attachments, chain)
        // Half of them go while the others are looked at; they come back while those go.
        try inParallel(Self.count) { try isEven($0) ? call("DEL", $0) : call("CHECK", $0) }
        try inParallel(Self.count) { try isEven($0) ? attach($0) : call("DEL", $0) }
        try expectEverybody(attachments, chain)
        try inParallel(Self.count) { try isEven($0) ? call("CHECK", $0) : attach($0) }
        try expectEverybody(attachments, chain)
        try inParallel(Self.count) { try call("DEL", $0) }
        let rounds = [try collector.stop(), try administrator.stop()]
        #expect(rounds.allSatisfy { $0 > 2 }, "\(rounds) rounds")

        // What nobody owns is gone, and what somebody owns is not.
        try other.succeed("CHECK", "kept", ports.container, port: 2999, prevResult: kept.text)
        try ports.host.shell("ip link delete cni1")
        expectUnchanged(before, try ports.lab.snapshot(files: false))
        #expect(leases(ports, "net1") == [])
        #expect(leases(ports, "net2").count == kept.addresses.count)
        try other.succeed("DEL", "kept", ports.container, port: 2999)
        try ports.host.shell("ip link delete cni2")
        expectUnchanged(pristine, try ports.lab.snapshot(files: false))
    }

    private func addSandboxes(_ ports: PortLab) throws -> [LabNamespace] {
        let sandboxes = try (0..<Self.count).map { _ in try ports.lab.addContainer() }
        for (number, sandbox) in sandboxes.enumerated() {
            try ports.serve(in: sandbox, as: PortLab.name(ofContainer: number), on: [80], protocols: [.tcp, .udp])
        }
        return sandboxes
    }

    /// `iptables -w` of both kinds, as a script of an administrator has it: a rule comes and goes.
    private func changeRules(_ host: LabNamespace) throws {
        let kinds = ["nft", "legacy"]
        try host.shell(
            kinds.flatMap { kind in
                ["-A", "-D"].map { "iptables-\(kind) -w 60 -t nat \($0) POSTROUTING -s 203.0.113.7 -j ACCEPT" }
                    + ["-A", "-D"].map { "iptables-\(kind) -w 60 \($0) FORWARD -s 203.0.113.7 -j ACCEPT" }
            }.joined(separator: " && "), timeout: 120)
    }

    /// Who is attached has addresses of its own and leases; its port leads to it, and no other port leads
    /// anywhere.
    private func expectEverybody(
        _ attachments: Attachments, _ chain: WholeChain, at location: SourceLocation = #_sourceLocation
    ) throws {
        let ports = chain.ports
        let attached = (0..<Self.count).filter { attachments[$0] != nil }
        let addresses = attached.flatMap { attachments[$0]?.addresses ?? [] }
        #expect(addresses.count == 2 * attached.count, sourceLocation: location)
        #expect(Set(addresses).count == addresses.count, sourceLocation: location)
        #expect(leases(ports, "net1").count == addresses.count, sourceLocation: location)
        let rows = (0..<Self.count).map { number in
            let `protocol` = number / 2 % 2 == 0 ? PortProtocol.tcp : .udp
            return attachments[number] == nil
                ? PortExpectation.silence(from: ports.outside, to: "192.0.2.1", 3000 + number, `protocol`)
                : .answer(
                    from: ports.outside, to: "192.0.2.1", 3000 + number, `protocol`,
                    by: PortLab.name(ofContainer: number))
        }
        try expect(ports, "\(chain.backend)", rows, at: location)
    }

    private func leases(_ ports: PortLab, _ network: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: ports.lab.path("data/\(network)"))) ?? []
        return files.filter { $0.first?.isNumber == true || $0.hasPrefix("fd0") }
    }
}

/// Who is attached, for many threads.
private final class Attachments: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [WholeChain.Attachment?]

    init(_ count: Int) { values = Array(repeating: nil, count: count) }

    subscript(number: Int) -> WholeChain.Attachment? {
        get { lock.withLock { values[number] } }
        set { lock.withLock { values[number] = newValue } }
    }
}
