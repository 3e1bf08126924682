import Foundation
import TestSupport
import Testing

/// A chain in a lab of its own, of which one plugin is disturbed at a system call by strace.
struct DisturbedChain {
    /// A system call by its name, the first, second … of that name in a process.
    struct Place: CustomStringConvertible {
        let call: String
        let number: Int

        var description: String { "\(call) \(number)" }
    }

    /// What a kernel may refuse: files, sockets, processes.
    static let refusedCalls = [
        "sendmsg", "sendto", "socket", "setsockopt", "openat", "read", "write", "pwrite64", "mkdir", "mkdirat",
        "renameat",
        "renameat2", "unlinkat", "fsync", "ftruncate", "flock", "setns", "vfork", "clone", "pipe2", "memfd_create",
    ]
    /// What it may say then.
    static let refusals = ["EIO", "ENOMEM", "EMFILE", "ENOSPC"]

    let lab: Lab
    let victim: ChainVictim
    let network: ChainNetwork

    init(_ victim: ChainVictim) throws {
        lab = try Lab()
        self.victim = victim
        try lab.host.shell(
            """
            ip link add wire0 type veth peer name wire1; ip link set wire0 up; ip link set wire1 up
            ip address add 192.0.2.1/24 dev wire1
            """)
        let data = lab.path("data")
        var network = ChainNetwork(
            lab: lab, plugins: victim.plugins.map { ($0.type, $0.members.replacing("DATA", with: data)) })
        if let backend = victim.backend { network.path = try backend.searchPath(in: lab) }
        self.network = network
    }

    /// The plugin is disturbed there: `signal=SIGKILL`, `error=EIO`.
    func step(_ place: Place, _ disturbance: String) -> ChainNetwork.Step {
        ChainNetwork.Step(
            plugin: victim.number,
            prefix: Self.strace + [
                "-o", "/dev/null", "-e", "trace=\(place.call)", "-e",
                "inject=\(place.call):\(disturbance):when=\(place.number)",
            ])
    }

    private static let strace = [Subprocess.find("strace") ?? "", "-f", "-qq"]

    /// All places of a command where one of these calls is made, found by an attachment of which nothing is disturbed.
    func places(of calls: [String], _ command: String) throws -> [Place] {
        let log = lab.path("strace")
        let prefix = Self.strace + ["-o", log, "-e", "trace=" + calls.joined(separator: ",")]
        let sandbox = lab.container.path
        for current in ["ADD", "DEL"] {
            let step = current == command ? ChainNetwork.Step(plugin: victim.number, prefix: prefix) : nil
            expectSuccess(try network.call(current, sandbox: sandbox, step: step), current)
        }
        // Each line begins with the process: strace counts for each by itself.
        var counts: [String: [String: Int]] = [:]
        for line in try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") {
            // While somebody else holds the lock of the network, the kernel makes writers of sysctls call again and again.
            if line.contains(" = ? ERESTART") { continue }
            let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            guard words.count == 2, let call = words[1].drop(while: { $0 == " " }).split(separator: "(").first else {
                continue
            }
            counts[String(call), default: [:]][String(words[0]), default: 0] += 1
        }
        return calls.flatMap { call in
            (counts[call]?.values.max()).map { most in (1...most).map { Place(call: call, number: $0) } } ?? []
        }
    }

    func expectSuccess(
        _ answers: [Lab.Answer], _ what: String, at location: SourceLocation = #_sourceLocation
    ) {
        for answer in answers { #expect(answer.isSuccess, "\(what): \(answer)", sourceLocation: location) }
    }

    /// The kernel's state, leases, and temporary files.
    func facts() throws -> LabSnapshot {
        let files = FileManager.default.enumerator(atPath: lab.path("data"))?.compactMap { $0 as? String } ?? []
        let kept = ["lock", "last_reserved_ip", ".index"]
        let names = files.filter { file in
            let name = file.split(separator: "/").last.map(String.init) ?? file
            return !["chain", "tuning"].contains(name) && !kept.contains { name.hasPrefix($0) || name.hasSuffix($0) }
        }
        return LabSnapshot(facts: try lab.snapshot(files: false).facts + names.sorted().map { "file \($0)" })
    }
}
