import Foundation
import TestSupport
import Testing

/// How portmap changes rules: all at once, and not while another program does.
@Suite(.needsPortLab)
struct PortmapTransactionTests {
    /// In between two transactions packets would meet half of the rules.
    @Test func eachCommandIsOneTransaction() throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, .nftables)
        let attached = try network.attach()
        let mappings =
            PublishedPort.all(8080, 80) + [
                PublishedPort(8081, 81, hostIP: "127.0.0.1"), PublishedPort(8082, 81, hostIP: "2001:db8::1"),
                PublishedPort(9000, 9000, range: 10),
            ]
        let file = ports.lab.path("monitor")
        let monitor = try ports.host.shell("timeout 60 nft monitor >'\(file)' 2>&1 & echo $!")
            .trimmingCharacters(in: .whitespacesAndNewlines)
        defer { _ = try? ports.host.shell("kill \(monitor)") }
        /// Makes a table of that name, again and again until the monitor has told of it, and of all before it.
        let settle = { (name: String) in
            _ = try ports.host.shell(
                """
                for attempt in $(seq 200); do
                    nft "add table inet \(name)-$attempt; delete table inet \(name)-$attempt"
                    grep -q 'add table inet \(name)-' '\(file)' && exit 0
                    sleep 0.05
                done
                exit 1
                """)
        }
        /// The transactions of portmap so far.
        let count = {
            try ports.host.shell("grep 'new generation' '\(file)' | grep -c '(portmap)' || true")
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        try settle("listening")
        #expect(try count() == "0")
        try network.publish(mappings, prevResult: attached)
        try settle("added")
        #expect(try count() == "1", "after ADD")
        try network.succeed("CHECK", 0, mappings, prevResult: attached)
        try settle("checked")
        #expect(try count() == "1", "after CHECK")
        try network.succeed("DEL", 0)
        try settle("deleted")
        #expect(try count() == "2", "after DEL")
    }

    /// The lock of `iptables -w`: without it one of two programs would write over what the other has changed.
    @Test func legacyTablesAreChangedUnderTheLockOfIPTables() throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, .iptablesLegacy)
        let attached = try network.attach()
        let (held, released) = (ports.lab.path("held"), ports.lab.path("released"))
        let commands: [(String, () throws -> Void)] = [
            ("ADD", { try network.publish([PublishedPort(8080, 80)], prevResult: attached) }),
            ("DEL", { try network.succeed("DEL") }),
        ]
        for (command, run) in commands {
            try ports.host.shell(
                """
                rm -f '\(held)' '\(released)'
                flock /run/xtables.lock sh -c "touch '\(held)'; sleep 0.5; touch '\(released)'" &
                until [ -e '\(held)' ]; do sleep 0.01; done
                """)
            #expect(!FileManager.default.fileExists(atPath: released), "\(command) came too late to wait")
            try run()
            #expect(FileManager.default.fileExists(atPath: released), "\(command) did not wait")
        }
    }
}
