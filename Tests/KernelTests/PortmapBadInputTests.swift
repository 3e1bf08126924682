import CNI
import Foundation
import TestSupport
import Testing

/// What portmap refuses, before it touches anything.
@Suite(.needsPortLab)
struct PortmapBadInputTests {
    /// An ADD that must be refused.
    struct Row: Sendable, CustomTestStringConvertible {
        /// The elements of `portMappings` after a first one that is right.
        var mapping = #"{"hostPort": 8081, "containerPort": 81, "protocol": "tcp"}"#
        var keys = ""
        /// What the error's message must name.
        let named: String
        /// The only backends it is about; empty: all.
        var backends: [PacketFilterBackend] = []

        var testDescription: String { keys.isEmpty ? mapping : keys }

        /// A mapping with one value replaced.
        static func mapping(
            _ named: String, hostPort: String = "8081", containerPort: String = "81", protocol: String = "\"tcp\"",
            more: String = ""
        ) -> Row {
            Row(
                mapping:
                    #"{"hostPort": \#(hostPort), "containerPort": \#(containerPort), "protocol": \#(`protocol`)\#(more)}"#,
                named: "runtimeConfig.portMappings[1]" + named)
        }
    }

    static let rows: [Row] = [
        .mapping(".hostPort", hostPort: "0"), .mapping(".hostPort", hostPort: "70000"),
        .mapping(".hostPort", hostPort: "-1"), .mapping(".hostPort", hostPort: "65536"),
        .mapping(".hostPort", hostPort: "\"http\""), .mapping(".hostPort", hostPort: "80.5"),
        .mapping(".containerPort", containerPort: "0"), .mapping(".containerPort", containerPort: "65536"),
        .mapping(".protocol", protocol: "\"icmp\""), .mapping(".protocol", protocol: "6"),
        .mapping(".protocol", protocol: #""tcp\n; delete table ip foreign""#),
        .mapping(".protocol", protocol: #""tcp; delete table ip foreign""#),
        .mapping(".protocol", protocol: #""tcp -j ACCEPT""#),
        .mapping(".hostIP", more: #", "hostIP": "not-an-ip""#), .mapping(".hostIP", more: #", "hostIP": "1.2.3""#),
        .mapping(".hostIP", more: #", "hostIP": "192.0.2.1/24""#),
        .mapping(".hostIP", more: #", "hostIP": "192.0.2.1\n; delete table ip foreign""#),
        .mapping(".hostIP", more: #", "hostIP": 7"#),
        // Which of the three is at fault is a matter of taste.
        .mapping(".", more: #", "range": 3"#),
        .mapping(".range", hostPort: "9000", containerPort: "9000", more: #", "range": -1"#),
        .mapping(".range", hostPort: "9000", containerPort: "9000", more: #", "range": 65536"#),
        .mapping(".range", hostPort: "65535", containerPort: "65535", more: #", "range": 2"#),
        Row(keys: #""markMasqBit": 32"#, named: "markMasqBit"),
        Row(keys: #""markMasqBit": -1"#, named: "markMasqBit"),
        Row(keys: #""markMasqBit": 5, "externalSetMarkChain": "MARK-IT""#, named: "externalSetMarkChain"),
        Row(keys: #""externalSetMarkChain": "A -j ACCEPT""#, named: "externalSetMarkChain", backends: iptables),
        Row(keys: #""snat": "yes""#, named: "snat"),
        Row(keys: #""conditionsV4": ["-j", "ACCEPT"]"#, named: "conditionsV4"),
        Row(keys: #""conditionsV4": ["ip saddr 192.0.2.2; delete table ip foreign"]"#, named: "conditionsV4"),
        Row(keys: #""conditionsV6": ["ip6", "saddr", "2001:db8::2\n", "delete"]"#, named: "conditionsV6"),
    ]
    private static let iptables = PacketFilterBackend.iptables

    @Test(arguments: PacketFilterBackend.allCases)
    func isRefusedByNameAndChangesNothing(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        var network = try PortNetwork(ports, backend)
        let attached = try network.attach()
        try ports.host.shell(
            "nft 'add table ip foreign; add chain ip foreign c { type filter hook input priority 0; }'")
        let before = try ports.lab.snapshot(files: false)
        let right = #"{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}"#
        for row in Self.rows where row.backends.isEmpty || row.backends.contains(backend) {
            network.keys = row.keys
            let answer = try network.call("ADD", 0, "[\(right), \(row.mapping)]", prevResult: attached)
            try expectRefusal(answer, row.named, "\(backend): \(row.testDescription)")
        }
        network.keys = ""
        let mappings = "[\(right)]"
        try expectRefusal(try network.call("ADD", 0, mappings), "prevResult", "no prevResult")
        let bare = #"{"cniVersion": "1.0.0", "interfaces": [{"name": "eth0", "sandbox": "\#(ports.container.path)"}]}"#
        try expectRefusal(try network.call("ADD", 0, mappings, prevResult: bare), "prevResult", "no address")
        network.backendKey = "pf"
        try expectRefusal(try network.call("ADD", 0, mappings, prevResult: attached), "backend", "unknown backend")
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    /// One JSON error on standard output, with the code for configurations, that names what is wrong.
    private func expectRefusal(_ answer: Lab.Answer, _ named: String, _ note: String) throws {
        #expect(
            answer.outcome.ending != .exited(status: 0) && answer.error?.code == .invalidConfiguration
                && answer.error?.message.contains(named) == true, "\(note): \(answer)")
    }
}
