import Foundation
import TestSupport
import Testing

/// All plugins are one file with a name for each: one that calls another of them goes on as that one, without execve.
@Suite(.needsLab, .enabled(if: Subprocess.find("strace") != nil, "needs the program strace"))
struct BridgeDelegateTests {
    private let network: BridgeNetwork

    init() throws {
        var network = BridgeNetwork(try Lab())
        network.ipam = BridgeNetwork.ipv4
        self.network = network
    }

    /// The programs that were executed, by their paths.
    ///
    /// - Parameter disturbance: what strace does to a system call: `close_range:error=ENOSYS`.
    private func programs(
        _ command: String, prevResult: String? = nil, disturbance: String? = nil
    ) throws -> (programs: [String], output: String) {
        let log = network.lab.path("strace")
        let answer = try network.lab.call(
            "bridge", command, network.configuration(prevResult), searchPath: network.searchPath,
            prefix: [
                try #require(Subprocess.find("strace")), "-f", "-qq", "-e", "trace=execve,close_range", "-e",
                "signal=none", "-o",
                log,
            ] + (disturbance.map { ["-e", "inject=" + $0] } ?? []))
        #expect(answer.isSuccess, "\(answer)")
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        return (
            lines.filter { $0.contains("execve(\"") }.map { String($0.split(separator: "\"")[1]) },
            answer.outcome.outputText
        )
    }

    private static func file(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    }

    @Test func hostLocalOfTheSameFileIsNotExecuted() throws {
        let (bridge, hostLocal) = (Executables.path(of: "bridge"), Executables.path(of: "host-local"))
        let isOneFile = try Self.file(bridge) == Self.file(hostLocal)
        // As scripts/build makes them; those of a debug build are a file each.
        if ProcessInfo.processInfo.environment["CNI_BIN"] != nil { #expect(isOneFile) }
        let expected = isOneFile ? [bridge] : [bridge, hostLocal]
        let added = try programs("ADD")
        #expect(added.programs == expected)
        #expect(network.leases() == ["10.1.0.2"])
        #expect(try programs("CHECK", prevResult: added.output).programs == expected)
        #expect(try programs("DEL", prevResult: added.output).programs == expected)
        #expect(network.leases() == [])
    }

    /// Kernels before 5.9, and filters of system calls: descriptors of the caller must not stay open.
    @Test(arguments: ["ENOSYS", "EPERM"])
    func itIsExecutedWhereDescriptorsCannotBeClosedOtherwise(error: String) throws {
        let programs = try programs("ADD", disturbance: "close_range:error=\(error)").programs
        #expect(programs == [Executables.path(of: "bridge"), Executables.path(of: "host-local")])
        #expect(network.leases() == ["10.1.0.2"])
    }

    @Test(arguments: [false, true])
    func whateverElseStandsInItsPlaceIs(isCopy: Bool) throws {
        let (bridge, hostLocal) = (Executables.path(of: "bridge"), network.lab.path("plugins/host-local"))
        let ours = Executables.path(of: "host-local")
        // Not written by this process: where it starts another one meanwhile, the kernel finds the file busy.
        let script = #"printf '#!/bin/sh\nexec %s\n' '\#(ours)' >'\#(hostLocal)'; chmod +x '\#(hostLocal)'"#
        let folder = network.lab.path("plugins")
        try network.lab.host.shell("mkdir -p '\(folder)'; \(isCopy ? "cp '\(ours)' '\(hostLocal)'" : script)")
        #expect(try programs("ADD").programs.prefix(2) == [bridge, hostLocal])
        #expect(network.leases() == ["10.1.0.2"])
        #expect(try programs("DEL").programs.prefix(2) == [bridge, hostLocal])
        #expect(network.leases() == [])
    }
}
