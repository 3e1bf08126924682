import CNI
import Foundation
import JSON
import NetworkAddress
import TestSupport
import Testing

/// Networks as a person makes, uses and removes them with `cnitool network`.
@Suite(.needsLab)
struct NetworkToolTests {
    /// A host with cnitool, and folders of its own.
    struct Scene {
        let lab: Lab

        init(containers: Int = 2) throws { lab = try Lab(containers: containers) }

        init(_ lab: Lab) { self.lab = lab }

        func tool(_ arguments: String...) throws -> Subprocess.Outcome { try tool(arguments) }

        func tool(_ arguments: [String], _ variables: [String] = []) throws -> Subprocess.Outcome {
            try lab.host.run(
                "env",
                [
                    "CNI_PATH=\(Executables.folder)", "NETCONFPATH=\(lab.path("net.d"))",
                ] + variables + [Executables.path(of: "cnitool")] + arguments)
        }

        /// Runs a command that knows the result cache, and must succeed; returns what it printed.
        @discardableResult
        func succeed(_ arguments: String...) throws -> String {
            let outcome = try tool(arguments)
            #expect(outcome.isSuccess, "\(arguments): \(outcome)")
            return outcome.outputText
        }

        var cache: String { lab.path("cache") }

        /// Creates a network and has its leases in the lab.
        func create(_ name: String, _ arguments: [String]) throws {
            let outcome = try tool(["network", "create"] + arguments + [name])
            #expect(outcome.isSuccess, "\(outcome)")
            let file = "net.d/\(name).conflist"
            let text = try String(contentsOfFile: lab.path(file), encoding: .utf8)
            let key = "\"type\": \"host-local\","
            try lab.write(text.replacing(key, with: "\(key) \"dataDir\": \"\(lab.path("data"))\","), to: file)
        }

        func attach(_ container: Int, to network: String, ports: String = "") throws -> AttachmentResult {
            let arguments = ["add", "--cache", cache, network, lab.containers[container].path]
            return try Lab.Answer(outcome: tool(arguments, ["CAP_ARGS=\(ports)"])).result()
        }

        func files(_ folder: String) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: lab.path(folder))) ?? []).filter { $0 != "cni.lock" }
        }
    }

    @Test(arguments: [[], ["--backend", "nftables"], ["--backend", "iptables"]])
    func `a network is created, used, shown, and removed with everything`(backend: [String]) throws {
        let scene = try Scene()
        let tables = try scene.lab.host.filterTables()
        try scene.create("net1", ["--subnet", "172.18.0.0/16", "--gateway", "172.18.0.1"] + backend)
        let ports = #"{"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}"#
        let results = try (0...1).map { try scene.attach($0, to: "net1", ports: $0 == 0 ? ports : "") }
        #expect(results.map { $0.ips.map(\.address.description) } == [["172.18.0.2/16"], ["172.18.0.3/16"]])
        #expect(try scene.lab.containers[0].ping("172.18.0.3").isAnswered)
        #expect(try scene.lab.containers[1].ping("172.18.0.2").isAnswered)
        #expect(try scene.lab.containers[0].ping("172.18.0.1").isAnswered)

        let file = scene.lab.path("net.d/net1.conflist")
        #expect(
            try scene.succeed("network", "ls", "--cache", scene.cache) == """
                NAME  DRIVER    SUBNETS        ATTACHMENTS  FILE
                host  host      -              -            -
                net1  bridge    172.18.0.0/16  2            \(file)
                none  loopback  -              -            -

                """)

        try expectInspection(scene, results)

        let refused = try scene.tool("network", "rm", "--cache", scene.cache, "net1")
        #expect(refused.ending == .exited(status: 1))
        #expect(refused.errorText.hasPrefix("Error: network \"net1\" is in use by eth0 of container cnitool-"))
        #expect(scene.lab.containers.allSatisfy { refused.errorText.contains("(\($0.path))") })
        #expect(try scene.lab.host.link("cni-net1") != nil)

        #expect(try scene.succeed("network", "rm", "-f", "--cache", scene.cache, "net1") == "net1\n")
        #expect(scene.files("net.d") == [])
        #expect(scene.files("cache") == [])
        #expect(!scene.files("data").contains("net1"))
        #expect(scene.files("data/.host-local") == [])
        #expect(try scene.lab.host.links().map(\.ifname) == ["lo"])
        #expect(try scene.lab.containers[0].link("eth0") == nil)
        try expectNoRules(scene.lab.host, tables)
        #expect(try scene.tool("network", "rm", "--cache", scene.cache, "net1").ending == .exited(status: 1))
    }

    private func expectInspection(_ scene: Scene, _ results: [AttachmentResult]) throws {
        let text = try scene.succeed("network", "inspect", "--cache", scene.cache, "net1")
        let network = try #require(try JSONField(try JSONValue(parsing: Array(text.utf8))).elements().first)
        #expect(try network["driver"].value == "bridge")
        #expect(try network["bridge"].value == "cni-net1")
        #expect(try network["gateways"].value == ["172.18.0.1"])
        #expect(
            try network["ranges"].value == [
                [
                    "subnet": "172.18.0.0/16", "first": "172.18.0.1", "last": "172.18.255.254",
                    "gateway": "172.18.0.1", "used": 2, "free": 65531,
                ]
            ])
        #expect(try network["configuration"]["name"].value == "net1")
        let attachments = try network["attachments"].elements()
        #expect(attachments.count == 2)
        for (container, result) in zip(scene.lab.containers, results) {
            let attachment = try #require(attachments.first { (try? $0["sandbox"].string()) == container.path })
            #expect(try attachment["ifname"].value == "eth0")
            let mac = try container.link("eth0")?.address
            #expect(try mac != nil && attachment["mac"].string() == mac)
            #expect(try attachment["addresses"].strings() == result.ips.map(\.address.description))
            #expect(try attachment["ports"].elements().count == (container.path == scene.lab.container.path ? 1 : 0))
        }
    }

    @Test func `prune removes what nobody is attached to, and nothing else`() throws {
        let scene = try Scene(containers: 1)
        try scene.create("net1", ["--subnet", "172.18.0.0/16"])
        try scene.create("net2", ["--subnet", "172.19.0.0/16"])
        _ = try scene.attach(0, to: "net1")
        let asked = try scene.tool("network", "prune", "--cache", scene.cache)
        #expect(asked.ending == .exited(status: 1))
        #expect(
            asked.errorText
                == "Error: net2 would be removed, and there is no terminal to ask on: say --force to remove without asking\n"
        )
        #expect(try scene.succeed("network", "prune", "--force", "--cache", scene.cache) == "net2\n")
        #expect(scene.files("net.d") == ["net1.conflist"])
        #expect(try scene.lab.container.ping("172.18.0.1").isAnswered)
        #expect(try scene.succeed("network", "prune", "--force", "--cache", scene.cache) == "")
    }

    @Test(arguments: ["nftables", "iptables"])
    func `containers of two networks do not reach each other unless one is for everybody`(backend: String) throws {
        let scene = try Scene(containers: 6)
        let networks = [[], [], ["--internal"], ["-o", "isolate=false"], ["-o", "isolate=false"]]
        var addresses: [String] = []
        for (number, options) in networks.enumerated() {
            try scene.create("net\(number)", ["--subnet", "10.\(number).0.0/24", "--backend", backend] + options)
            let result = try scene.attach(number, to: "net\(number)")
            addresses.append(try #require(result.ips.first).address.address.description)
        }
        func reaches(_ container: Int, _ other: Int) throws -> Bool {
            try scene.lab.containers[container].ping(addresses[other]).isAnswered
        }
        let neighbour = try scene.attach(5, to: "net0")
        addresses.append(try #require(neighbour.ips.first).address.address.description)
        #expect(try reaches(0, 5))
        for (container, other) in [(3, 4), (0, 3), (3, 0)] { #expect(try reaches(container, other)) }
        for (container, other) in [(0, 1), (1, 0), (0, 2)] { #expect(try !reaches(container, other)) }
        for number in networks.indices {
            try scene.succeed("network", "rm", "-f", "--cache", scene.cache, "net\(number)")
        }
        try expectNoRules(scene.lab.host, [])
    }

    /// Nothing of ours is left: no table of nftables, no rule and no chain of iptables but the administrator's.
    private func expectNoRules(_ host: LabNamespace, _ tables: [String]) throws {
        #expect(try host.filterTables().filter { $0.contains("cni") } == tables)
        for family in ["", "6"] {
            let saved = try host.run("sh", ["-c", "ip\(family)tables-save 2>/dev/null"]).outputText
            #expect(!saved.contains("172.18.") && !saved.contains("cnitool-"), "\(saved)")
        }
    }

    @Test func `a network whose containers vanished goes without force, and takes what they left`() throws {
        let scene = try Scene()
        try scene.create("net1", ["--subnet", "172.18.0.0/16"])
        _ = try scene.attach(0, to: "net1")
        scene.lab.containers[0].remove()
        try scene.succeed("network", "rm", "--cache", scene.cache, "net1")
        #expect(scene.files("net.d") + scene.files("cache") == [])
        #expect(try scene.lab.host.links().map(\.ifname) == ["lo"])
    }

    @Test func `a subnet of a link or a route of the host is not taken`() throws {
        let scene = try Scene(containers: 0)
        try scene.lab.host.shell(
            """
            ip link add wire type bridge; ip link set wire up
            ip address add 172.18.5.1/24 dev wire
            ip route add 172.19.0.0/24 via 172.18.5.9
            """)
        let refused = try scene.tool("network", "create", "--subnet", "172.18.0.0/16", "net1")
        #expect(refused.errorText.contains("overlaps 172.18.5.0/24 of link wire"), "\(refused)")
        let routed = try scene.tool("network", "create", "--subnet", "172.19.0.0/16", "net1")
        #expect(routed.errorText.contains("overlaps 172.19.0.0/24 of the route through link wire"), "\(routed)")
        try scene.create("net1", ["--ipv6"])
        let text = try String(contentsOfFile: scene.lab.path("net.d/net1.conflist"), encoding: .utf8)
        #expect(text.contains("\"subnet\": \"172.20.0.0/16\""))
    }

    @Test func `an internal network reaches the host and itself, and addresses kept for others are never given`() throws
    {
        let scene = try Scene()
        try scene.create(
            "inner",
            [
                "--subnet", "172.18.0.0/16", "--subnet", "fd00:18::/64", "--internal", "--aux-address",
                "printer=172.18.0.2", "-o", "mtu=1400",
            ])
        let results = try (0...1).map { try scene.attach($0, to: "inner") }
        #expect(
            results.map { $0.ips.map(\.address.description) } == [
                ["172.18.0.3/16", "fd00:18::2/64"], ["172.18.0.4/16", "fd00:18::3/64"],
            ])
        #expect(results.flatMap(\.routes) == [])
        for address in ["172.18.0.1", "172.18.0.4", "fd00:18::1", "fd00:18::3"] {
            #expect(try scene.lab.container.ping(address).isAnswered, "\(address)")
        }
        #expect(try !scene.lab.container.routes().contains { $0.dst == "default" })
        #expect(try scene.lab.container.link("eth0")?.mtu == 1400)
        try scene.succeed("network", "rm", "-f", "--cache", scene.cache, "inner")
        try expectNoRules(scene.lab.host, [])
    }

    @Test(.needs(.macvlan)) func `a macvlan network is on its parent's network`() throws {
        let wire = try MacvlanNetwork(containers: 1)
        let scene = Scene(wire.lab)
        try scene.lab.host.ip("address", "add", "192.168.56.7/24", "dev", "enp0s8")
        let arguments = ["-d", "macvlan", "--subnet", "192.168.56.0/24", "--ip-range", "192.168.56.128/25"]
        let missing = try scene.tool(["network", "create"] + arguments + ["--parent", "enp0s9", "lan"])
        #expect(missing.errorText == "Error: there is no link \"enp0s9\" for --parent: the host has enp0s8\n")
        try scene.create("lan", arguments + ["-o", "parent=enp0s8"])
        let result = try scene.attach(0, to: "lan")
        #expect(result.ips.map(\.address.description) == ["192.168.56.128/24"])
        #expect(try scene.lab.container.ping("192.168.56.1").isAnswered)
        try scene.succeed("network", "rm", "-f", "--cache", scene.cache, "lan")
        #expect(scene.files("net.d") == [])
        #expect(try scene.lab.container.link("eth0") == nil)
        #expect(try scene.lab.host.link("enp0s8") != nil)
    }
}
