import Foundation
import JSON
import TestSupport
import Testing

/// What DEL and GC take away, and what they leave alone.
@Suite(.needsPortLab)
struct PortmapLifecycleTests {
    private func answers(_ network: PortNetwork, _ port: Int, by container: Int) -> PortExpectation {
        .answer(
            from: network.ports.outside, to: PortFamily.ipv4.hostAddress, port,
            by: PortLab.name(ofContainer: container))
    }

    private func silence(_ network: PortNetwork, _ port: Int) -> PortExpectation {
        .silence(from: network.ports.outside, to: PortFamily.ipv4.hostAddress, port)
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func delLeavesNothingWhateverItIsTold(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, backend)
        let attached = try network.attach()
        let mappings =
            PublishedPort.all(8080, 80) + (0..<20).map { PublishedPort(3000 + $0, 80) } + [
                PublishedPort(9000, 80, hostIP: "192.0.2.1"), PublishedPort(9001, 80, hostIP: "2001:db8::1"),
                PublishedPort(9002, 80, hostIP: "127.0.0.1"),
            ]
        let before = try ports.lab.snapshot(files: false)
        let ways: [(String, () throws -> Void)] = [
            ("all of it", { try network.succeed("DEL", 0, mappings, prevResult: attached) }),
            ("no runtimeConfig", { try network.succeed("DEL", 0, prevResult: attached) }),
            ("no prevResult", { try network.succeed("DEL", 0, mappings) }),
            ("neither", { try network.succeed("DEL") }),
            ("no namespace either", { try network.succeed("DEL", sandbox: "") }),
            ("a namespace that is gone", { try network.succeed("DEL", sandbox: "/run/netns/never-was") }),
        ]
        for (way, delete) in ways {
            try network.publish(mappings, prevResult: attached)
            #expect(before != (try ports.lab.snapshot(files: false)))
            try delete()
            var changes = before.changes(to: try ports.lab.snapshot(files: false))
            #expect(changes.isEmpty, "\(backend), told \(way): \(changes)")
            try delete()
            changes = before.changes(to: try ports.lab.snapshot(files: false))
            #expect(changes.isEmpty, "\(backend), told \(way) twice: \(changes)")
        }
        let tables = try ports.host.filterTables()
        #expect(!tables.contains { $0.contains("cni") }, "\(tables)")
    }

    /// Most containers publish nothing, and portmap is in their chain all the same.
    @Test(arguments: PacketFilterBackend.allCases, ["ADD", "CHECK"])
    func withoutPortsTheKernelIsNotAsked(backend: PacketFilterBackend, command: String) throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, backend)
        let attached = try network.attach()
        let (program, log) = (ports.lab.path("traced"), ports.lab.path("trace"))
        try ports.host.shell(
            """
            printf '#!/bin/sh\nexec strace -f -e trace=network,flock -o \(log) \(Executables.path(of: "portmap"))\n' \
                > \(program)
            chmod +x \(program)
            """)
        /// What it asked network and packet filter for, and the locks that it took.
        func calls(_ mappings: String?, succeeds: Bool = true) throws -> [String] {
            let answer = try network.call(command, 0, mappings, prevResult: attached, plugin: program)
            #expect(answer.isSuccess == succeeds, "\(backend): \(answer)")
            return try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
                .filter { $0.contains("(") }
        }
        #expect(try calls(nil) == [])
        #expect(try calls("[]") == [])
        // It would have been seen. CHECK finds nothing published.
        let seen = try calls(PublishedPort.json([PublishedPort(8080, 80)]), succeeds: command == "ADD")
        #expect(seen.contains { $0.contains("AF_NETLINK") }, "\(backend): \(seen)")
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func delTakesAwayItsOwnNetworkOnly(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let first = try PortNetwork(ports, backend)
        var second = try PortNetwork(ports, backend, number: 2)
        second.bridge.keys = #""isGateway": true, "bridge": "cni2""#
        // Container 0 is on both networks, with one id.
        let attached = [
            try first.attach(0, interface: "eth0"), try second.attach(0, interface: "eth1"), try first.attach(1),
        ]
        let before = try ports.lab.snapshot(files: false)
        let mappings = [[PublishedPort(8080, 80)], [PublishedPort(9090, 81)], [PublishedPort(7070, 80)]]
        try first.publish(mappings[0], 0, prevResult: attached[0])
        try second.publish(mappings[1], 0, prevResult: attached[1], interface: "eth1")
        try first.publish(mappings[2], 1, prevResult: attached[2])
        try expect(
            ports, "\(backend)",
            [answers(first, 8080, by: 0), answers(first, 9090, by: 0), answers(first, 7070, by: 1)])

        try second.succeed("DEL", 0, interface: "eth1")
        try expect(
            ports, "\(backend), DEL on net2",
            [answers(first, 8080, by: 0), silence(first, 9090), answers(first, 7070, by: 1)])
        try first.succeed("CHECK", 0, mappings[0], prevResult: attached[0])
        try first.succeed("CHECK", 1, mappings[2], prevResult: attached[2])

        try first.succeed("DEL", 0)
        try expect(
            ports, "\(backend), DEL of container 0", [silence(first, 8080), answers(first, 7070, by: 1)])
        try first.succeed("CHECK", 1, mappings[2], prevResult: attached[2])

        try first.succeed("DEL", 1)
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func garbageCollectionTakesAwayWhatIsNotListed(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 3)
        let network = try PortNetwork(ports, backend, version: "1.1.0")
        let other = try PortNetwork(ports, backend, number: 2, version: "1.1.0")
        let attached = [try network.attach(0), try network.attach(1), try other.attach(2)]
        let bare = try ports.lab.snapshot(files: false)
        try other.publish(PublishedPort.all(7070, 80), 2, prevResult: attached[2])
        let before = try ports.lab.snapshot(files: false)
        try network.publish(PublishedPort.all(8080, 80), 0, prevResult: attached[0])
        try network.publish(PublishedPort.all(9090, 81), 1, prevResult: attached[1])
        let all = try ports.lab.snapshot(files: false)

        // Without a list nothing is known to be garbage.
        try network.succeed("GC")
        expectUnchanged(all, try ports.lab.snapshot(files: false))
        try network.succeed(
            "GC", members: #""cni.dev/valid-attachments": [{"containerID": "container-1", "ifname": "eth0"}]"#)
        try expect(
            ports, "\(backend), GC",
            [silence(network, 8080), answers(network, 9090, by: 1), answers(other, 7070, by: 2)])
        try network.succeed("CHECK", 1, PublishedPort.all(9090, 81), prevResult: attached[1])
        // The other spelling, and an empty list: everything is garbage, of this network.
        try network.succeed("GC", members: #""cni.dev/attachments": []"#)
        try expect(ports, "\(backend), GC of all", [silence(network, 9090), answers(other, 7070, by: 2)])
        expectUnchanged(before, try ports.lab.snapshot(files: false))
        try other.succeed("GC", members: #""cni.dev/valid-attachments": []"#)
        expectUnchanged(bare, try ports.lab.snapshot(files: false))
    }

    @Test(arguments: PacketFilterBackend.allCases, [nil, "[]"])
    func withoutPortsThereIsNoTable(backend: PacketFilterBackend, mappings: String?) throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, backend, version: "1.1.0")
        let attached = try network.attach()
        let before = try ports.lab.snapshot(files: false)
        let add = try network.call("ADD", 0, mappings, prevResult: attached)
        #expect(try add.isSuccess && add.json == JSONValue(parsing: Array(attached.utf8)), "\(add)")
        for command in ["CHECK", "DEL", "GC", "STATUS"] {
            let list = command == "GC" ? #""cni.dev/valid-attachments": []"# : ""
            let answer = try network.call(command, 0, mappings, prevResult: attached, members: list)
            #expect(answer.isSuccess && answer.outcome.output.isEmpty, "\(command): \(answer)")
        }
        // DEL of what was never there looks for it, and makes nothing.
        try network.succeed("DEL", 0, PublishedPort.all(8080, 80), prevResult: attached)
        #expect(try ports.host.filterTables() == [])
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    /// A container that vanished without DEL does not spoil its address for the next one.
    @Test(arguments: PacketFilterBackend.allCases)
    func theNextContainerWithTheAddressOfOneThatVanished(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        var network = try PortNetwork(ports, backend)
        network.bridge.keys += #", "ipMasq": true, "ipMasqBackend": "\#(backend.key)""#
        try network.publish(PublishedPort.all(8080, 80), 0, prevResult: try network.attach(0))
        // The servers would keep the namespace alive.
        try ports.stopServing(in: ports.container)
        ports.container.remove()
        // The leases are gone, too, as after a cleaning of /var/lib/cni.
        try FileManager.default.removeItem(atPath: ports.lab.path("data"))
        let attached = try network.attach(1)
        #expect(try ports.containers[1].addresses(of: "eth0") == ["10.1.0.2/16", "fd01::2/64"])

        let mappings = PublishedPort.all(9090, 80)
        try network.publish(mappings, 1, prevResult: attached)
        let rows =
            [
                answers(network, 9090, by: 1),
                .answer(
                    from: ports.containers[1], to: PortFamily.ipv4.outsideAddress, 80, by: PortLab.outsideName,
                    seenAs: PortFamily.ipv4.hostAddress),
            ]
            + [
                (ports.host, "127.0.0.1"), (ports.host, "2001:db8::1"), (ports.outside, "2001:db8::1"),
                (ports.containers[1], network.gateway(.ipv4)),
            ].map { .answer(from: $0, to: $1, 9090, by: PortLab.name(ofContainer: 1)) }
        for isLate in [false, true] {
            // A DEL that comes late takes nothing away that the next one needs.
            if isLate {
                try network.succeed("DEL", 0, sandbox: "")
                let delete = try network.callBridge("DEL", 0, sandbox: "")
                #expect(delete.isSuccess, "\(backend): \(delete)")
            }
            try network.succeed("CHECK", 1, mappings, prevResult: attached)
            let check = try network.callBridge("CHECK", 1, prevResult: attached)
            #expect(check.isSuccess, "\(backend): \(check)")
            try expect(ports, "\(backend)\(isLate ? ", after a late DEL" : "")", rows)
        }
    }
}
