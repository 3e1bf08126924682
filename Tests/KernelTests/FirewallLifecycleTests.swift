import CNI
import Foundation
import TestSupport
import Testing

/// Coming and going: nothing is left, and nothing is taken from others.
@Suite(.needsPortLab)
struct FirewallLifecycleTests {
    @Test(arguments: PacketFilterBackend.allCases)
    func theLastContainerTakesEverythingAway(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 3)
        let networks = [
            try FirewallNetwork(ports, backend, policy: "same-bridge"),
            try FirewallNetwork(ports, backend, number: 2, policy: "isolated"),
        ]
        let places = [(0, 0), (1, 0), (2, 1)]
        let attached = try places.map { try networks[$0.1].network.attach($0.0) }
        let before = try ports.lab.snapshot(files: false)
        // However little DEL is told.
        for (prevResult, sandbox) in [(true, nil), (false, nil), (false, ""), (false, "/run/netns/never-was")] {
            for (container, network) in places {
                try networks[network].admit(container, prevResult: attached[container])
                // Once more is the same.
                let once = try ports.lab.snapshot(files: false)
                try networks[network].admit(container, prevResult: attached[container])
                expectUnchanged(once, try ports.lab.snapshot(files: false))
            }
            for (container, network) in places {
                for (container, network) in places.suffix(from: container) {
                    try networks[network].succeed("CHECK", container, prevResult: attached[container])
                }
                try networks[network].succeed(
                    "DEL", container, prevResult: prevResult ? attached[container] : nil, sandbox: sandbox)
                try networks[network].succeed("DEL", container)
            }
            // The port's isolation goes with the link.
            let changes = before.changes(to: try ports.lab.snapshot(files: false)).split(separator: "\n")
            #expect(changes.filter { !$0.contains("isolated") } == [], "\(backend), \(sandbox ?? "a sandbox")")
        }
    }

    /// The address of a container that has gone belongs to the next one by the time that DEL comes again.
    @Test(arguments: PacketFilterBackend.allCases)
    func aLateDELLeavesTheNextOwnerAlone(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        try ports.setBridgeFiltering(false)
        let network = try FirewallNetwork(ports, backend, policy: "same-bridge")
        if backend != .nftables { try network.dropByDefault() }
        let attached = try network.attach(0)
        let empty = try ports.lab.snapshot(files: false)
        try network.succeed("DEL", 0, prevResult: attached)
        // The same addresses, without and with what an ADD before left behind.
        for isLeft in [false, true] {
            if isLeft { try network.admit(0, prevResult: attached) }
            try network.admit(1, prevResult: attached)
            for _ in 0...1 { try network.succeed("DEL", 0, prevResult: attached) }
            try network.succeed("CHECK", 1, prevResult: attached)
            try expect(
                ports, "\(backend)",
                PortFamily.allCases.map {
                    .answer(from: ports.container, to: $0.outsideAddress, 80, by: PortLab.outsideName)
                })
            try network.succeed("DEL", 1)
        }
        try network.admit(0, prevResult: attached)
        expectUnchanged(empty, try ports.lab.snapshot(files: false))
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func garbageGoes(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 4)
        let networks = [
            try FirewallNetwork(ports, backend, policy: "same-bridge"),
            try FirewallNetwork(ports, backend, number: 2, policy: "same-bridge"),
        ]
        let places = [(0, 0), (1, 0), (2, 0), (3, 1)]
        let attached = try places.map { try networks[$0.1].network.attach($0.0) }
        let empty = try ports.lab.snapshot(files: false)
        for (container, network) in [(1, 0), (3, 1)] {
            try networks[network].admit(container, prevResult: attached[container])
        }
        let before = try ports.lab.snapshot(files: false)
        for container in [0, 2] { try networks[0].admit(container, prevResult: attached[container]) }
        // Without a list nothing is known to be garbage; another interface does not make a container live.
        try networks[0].succeed("GC")
        try networks[0].succeed("CHECK", 0, prevResult: attached[0])
        let living = #"{"containerID": "container-1", "ifname": "eth0"}"#
        let other = #"{"containerID": "container-2", "ifname": "eth9"}"#
        try networks[0].succeed("GC", members: #""cni.dev/valid-attachments": [\#(living), \#(other)]"#)
        expectUnchanged(before, try ports.lab.snapshot(files: false))
        try networks[1].succeed("CHECK", 3, prevResult: attached[3])
        for network in networks { try network.succeed("GC", members: #""cni.dev/valid-attachments": []"#) }
        expectUnchanged(empty, try ports.lab.snapshot(files: false))
    }

    /// The configuration, or the host, may have gone from one backend to another meanwhile.
    @Test(arguments: PacketFilterBackend.allCases, PacketFilterBackend.allCases)
    func whatAnotherBackendMadeGoesToo(made: PacketFilterBackend, now: PacketFilterBackend) throws {
        let ports = try PortLab()
        let network = try FirewallNetwork(ports, made, policy: "same-bridge")
        let attached = try network.network.attach()
        let before = try ports.lab.snapshot(files: false)
        let later = try FirewallNetwork(ports, now)
        for command in ["DEL", "GC"] {
            try network.admit(prevResult: attached)
            try later.succeed(command, members: #""cni.dev/valid-attachments": []"#)
            expectUnchanged(before, try ports.lab.snapshot(files: false))
        }
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func whatIsRefusedChangesNothing(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        var network = try FirewallNetwork(ports, backend, policy: "isolated")
        let attached = try network.network.attach()
        let before = try ports.lab.snapshot(files: false)
        let wrong = [
            attached.replacing("cni1", with: "up0"), attached.replacing("cni1", with: "none"),
            attached.replacing(#""name":"eth0""#, with: #""name":"eth1""#).replacing("veth", with: "geth"),
        ]
        for prevResult in wrong {
            let answer = try network.call("ADD", prevResult: prevResult)
            #expect(answer.error?.message.isEmpty == false, "\(answer)")
            expectUnchanged(before, try ports.lab.snapshot(files: false))
        }
        for (keys, code) in [
            (#""iptablesAdminChainName": "FORWARD""#, 7), (#""iptablesAdminChainName": "x; reboot""#, 7),
            (#""firewalldZone": 5"#, 7), (#""ingressPolicy": "none""#, 7), (#""backend": "firewalld""#, 50),
        ] {
            network.keys = keys
            if keys.contains("ingressPolicy") { network.policy = nil }
            if keys.contains("backend") { network.network.backendKey = nil }
            let answer = try network.call("ADD", prevResult: attached)
            #expect(answer.error?.code.rawValue == code, "\(answer)")
            expectUnchanged(before, try ports.lab.snapshot(files: false))
        }
    }

    /// The chains of IPv6 would go round in a circle, after those of IPv4 have been made.
    @Test(arguments: PacketFilterBackend.iptables)
    func whatFailsHalfWayIsTakenBack(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        let network = try FirewallNetwork(ports, backend, policy: "isolated")
        let attached = try network.network.attach()
        let program = network.program(.ipv6)
        try ports.host.shell(
            "\(program) -N CNI-FORWARD; \(program) -N CNI-ADMIN; \(program) -A CNI-ADMIN -j CNI-FORWARD")
        let before = try ports.lab.snapshot(files: false)
        let answer = try network.call("ADD", prevResult: attached)
        #expect(answer.error?.message.contains("iptables") == true, "\(answer)")
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    @Test func statusNeedsTheProgramForIPTablesOnly() throws {
        let lab = try Lab()
        let before = try lab.snapshot()
        for (backend, path, isAvailable) in [
            ("iptables", lab.folder, false), ("iptables", nil, true), ("nftables", lab.folder, true),
            ("", lab.folder, true), ("", nil, true), ("firewalld", nil, false),
        ] {
            let answer = try lab.call(
                "firewall", "STATUS",
                #"{"cniVersion": "1.1.0", "name": "net1", "type": "firewall", "backend": "\#(backend)"}"#,
                variables: path.map { ["PATH": $0] } ?? [:])
            #expect(answer.isSuccess == isAvailable, "\(backend): \(answer)")
            if !isAvailable { #expect(answer.error?.code == .notAvailable, "\(answer)") }
        }
        expectUnchanged(before, try lab.snapshot())
    }
}
