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
    /// A chain, and the plugin of it that is killed.
    struct Victim: Sendable, CustomTestStringConvertible {
        let name: String
        /// The plugins, as ``ChainNetwork/plugins`` has them; DATA stands for a folder of the lab.
        let plugins: [(type: String, members: String)]
        let number: Int
        var backend: PacketFilterBackend?

        var testDescription: String { name }
    }

    private static let ipam = #"""
        "ipam": {"type": "host-local", "dataDir": "DATA", "ranges": [[{"subnet": "10.66.0.0/16"}], [{"subnet": "fd66::/64"}]],
        "routes": [{"dst": "0.0.0.0/0"}]}
        """#
    private static let bridge = (type: "bridge", members: #""isDefaultGateway": true, "# + ipam)
    private static let ports = #"""
        "runtimeConfig": {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
        {"hostPort": 5353, "containerPort": 53, "protocol": "udp", "hostIP": "192.0.2.1"}]}
        """#

    private static let tuning = #"""
        "dataDir": "DATA/tuning", "mac": "02:00:00:00:66:01", "mtu": 1400, "promisc": true, "txQLen": 77,
        "sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1", "net.ipv4.ip_default_ttl": "77"}
        """#

    static let victims: [Victim] =
        [
            Victim(name: "bridge", plugins: [bridge], number: 0),
            Victim(
                name: "macvlan", plugins: [("macvlan", #""master": "wire0", "enabledad": false, "# + ipam)], number: 0),
            Victim(
                name: "macvlan with a host shim",
                plugins: [("macvlan", #""master": "wire0", "enabledad": false, "hostShim": true, "# + ipam)], number: 0),
            Victim(name: "tuning", plugins: [bridge, ("tuning", tuning)], number: 1),
        ]
        + PacketFilterBackend.allCases.flatMap { backend in
            [
                Victim(
                    name: "bridge with ipMasq and ipspoofchk, \(backend)",
                    plugins: [
                        (
                            "bridge",
                            #""isGateway": true, "ipMasq": true, "ipMasqBackend": "\#(backend.key)", "ipspoofchk": true, "#
                                + ipam
                        )
                    ], number: 0, backend: backend),
                Victim(
                    name: "firewall, \(backend)",
                    plugins: [bridge, ("firewall", #""backend": "\#(backend.key)", "ingressPolicy": "isolated""#)],
                    number: 1, backend: backend),
                Victim(
                    name: "portmap, \(backend)",
                    plugins: [bridge, ("portmap", #""backend": "\#(backend.key)", "# + ports)], number: 1,
                    backend: backend),
            ]
        }

    /// The system calls by which something changes, or ends. Between two of them it makes no difference where a process
    /// is killed.
    private static let calls = [
        "sendmsg", "sendto", "setsockopt", "write", "pwrite64", "mkdir", "mkdirat", "renameat", "renameat2", "unlinkat",
        "fsync", "ftruncate", "flock", "clone3", "exit_group",
    ]

    /// Where a process is killed: before a call of that name, the first, second …
    private struct Place: CustomStringConvertible {
        let call: String
        let number: Int

        var description: String { "before \(call) \(number)" }

        var prefix: [String] {
            KilledTests.strace + [
                "-o", "/dev/null", "-e", "trace=\(call)", "-e", "inject=\(call):signal=SIGKILL:when=\(number)",
            ]
        }
    }

    private static let strace = [Subprocess.find("strace") ?? "", "-f", "-qq"]

    @Test(arguments: victims, ["ADD", "DEL"])
    func `whenever it is killed, nothing is left`(victim: Victim, command: String) throws {
        let lab = try Lab()
        try lab.host.shell(
            """
            ip link add wire0 type veth peer name wire1; ip link set wire0 up; ip link set wire1 up
            ip address add 192.0.2.1/24 dev wire1
            """)
        let data = lab.path("data")
        var network = ChainNetwork(
            lab: lab, plugins: victim.plugins.map { ($0.type, $0.members.replacing("DATA", with: data)) })
        if let backend = victim.backend { network.path = try backend.searchPath(in: lab) }
        let places = try places(network, victim, command)
        // What belongs to the network, such as the bridge, is there from the first container on.
        let before = try facts(lab)
        var kills = 0
        for (position, place) in places.enumerated() {
            let sandbox = try lab.addContainer()
            defer { sandbox.remove() }
            if command == "DEL" { expectSuccess(try network.call("ADD", sandbox: sandbox.path), "\(place)") }
            let step = ChainNetwork.Step(plugin: victim.number, prefix: place.prefix)
            if !(try network.call(command, sandbox: sandbox.path, step: step).allSatisfy(\.isSuccess)) { kills += 1 }
            if position % 2 == 0 {
                expectSuccess(try network.call("DEL", sandbox: sandbox.path), "DEL after \(place)")
            } else {
                sandbox.remove()
                let living = #""cni.dev/valid-attachments": []"#
                expectSuccess(try network.call("GC", sandbox: "", members: living), "GC after \(place)")
            }
            // Looking takes longer than the rest; what is left stays to be seen.
            guard position % 8 == 7 || position == places.count - 1 else { continue }
            // A namespace goes a moment after its name.
            var changes = ""
            _ = try waitUntil(seconds: 5) {
                changes = before.changes(to: try facts(lab))
                return changes.isEmpty
            }
            let latest = places[(position & ~7)...position]
            #expect(changes.isEmpty, "one of \(command) \(Array(latest)) left:\n\(changes)")
        }
        // The first attachment of a network makes more calls than the others.
        #expect(kills > 4 && kills > places.count / 2, "\(kills) kills at \(places.count) places")
    }

    /// All places of a command, found by an attachment of which nothing is disturbed.
    private func places(_ network: ChainNetwork, _ victim: Victim, _ command: String) throws -> [Place] {
        let log = network.lab.path("strace")
        let prefix = Self.strace + ["-o", log, "-e", "trace=" + Self.calls.joined(separator: ",")]
        let sandbox = network.lab.container.path
        for current in ["ADD", "DEL"] {
            let step = current == command ? ChainNetwork.Step(plugin: victim.number, prefix: prefix) : nil
            expectSuccess(try network.call(current, sandbox: sandbox, step: step), current)
        }
        // Each line begins with the process: strace counts for each by itself.
        var counts: [String: [String: Int]] = [:]
        for line in try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            guard words.count == 2, let call = words[1].drop(while: { $0 == " " }).split(separator: "(").first else {
                continue
            }
            counts[String(call), default: [:]][String(words[0]), default: 0] += 1
        }
        return Self.calls.flatMap { call in
            (counts[call]?.values.max()).map { most in (1...most).map { Place(call: call, number: $0) } } ?? []
        }
    }

    private func expectSuccess(
        _ answers: [Lab.Answer], _ what: String, at location: SourceLocation = #_sourceLocation
    ) {
        for answer in answers { #expect(answer.isSuccess, "\(what): \(answer)", sourceLocation: location) }
    }

    /// The kernel's state, leases, and temporary files.
    private func facts(_ lab: Lab) throws -> LabSnapshot {
        let files = FileManager.default.enumerator(atPath: lab.path("data"))?.compactMap { $0 as? String } ?? []
        let kept = ["lock", "last_reserved_ip", ".index"]
        let names = files.filter { file in
            let name = file.split(separator: "/").last.map(String.init) ?? file
            return !["chain", "tuning"].contains(name) && !kept.contains { name.hasPrefix($0) || name.hasSuffix($0) }
        }
        return LabSnapshot(facts: try lab.snapshot(files: false).facts + names.sorted().map { "file \($0)" })
    }
}
