import CNI
import Foundation
import NetworkAddress
import TestSupport
import Testing

/// Each file of `conf/` does what the README says of it. (MacvlanLabTests has conf/macvlan.conflist.)
@Suite(.needsPortLab) struct ReadyNetworksTests {
    /// Two containers on a network of `conf/`.
    struct Scene {
        let ports: PortLab
        let name: String
        private(set) var results: [AttachmentResult] = []
        private let tool: NetworkToolTests.Scene

        /// - Parameter published: what the first container publishes, as `portMappings`.
        init(_ name: String, published: String = "[]") throws {
            self.name = name
            ports = try PortLab(containers: 2)
            tool = NetworkToolTests.Scene(ports.lab)
            try tool.copyReadyNetwork(name)
            for container in 0...1 {
                let mappings = container == 0 ? published : "[]"
                results.append(try tool.attach(container, to: name, ports: #"{"portMappings": \#(mappings)}"#))
            }
        }

        func address(_ container: Int, _ family: AddressFamily = .ipv4) throws -> String {
            let ip = results[container].ips.first { $0.address.family == family }
            return try #require(ip).address.address.description
        }

        /// CHECK says that all is well, and DEL leaves no link, no rule and no lease.
        func finish(at location: SourceLocation = #_sourceLocation) throws {
            for command in ["check", "del"] {
                for container in ports.containers {
                    let outcome = try tool.tool(command, "--cache", tool.cache, name, container.path)
                    #expect(outcome.isSuccess, "\(command): \(outcome)", sourceLocation: location)
                }
            }
            let leases = tool.files("data/\(name)").filter { IPAddress($0) != nil }
            #expect(leases == [], sourceLocation: location)
            let rules = try ports.host.shell("nft list ruleset; iptables-nft-save; ip6tables-nft-save 2>/dev/null")
            #expect(!rules.contains(name) && !rules.contains("10.9"), "\(rules)", sourceLocation: location)
            for container in ports.containers { #expect(try container.link("eth0") == nil, sourceLocation: location) }
        }
    }

    private static func container(_ number: Int) -> String { PortLab.name(ofContainer: number) }

    @Test func everyFileIsTested() throws {
        let folder = Repository.root.appending(path: "conf").path
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let tested = ["bridge", "dual-stack", "internal", "isolated", "layer2", "loopback", "macvlan", "ports", "vlan"]
        #expect(names == tested.map { $0 + ".conflist" })
        // The name by which one is used is that of the file.
        for name in tested {
            let text = try String(contentsOfFile: "\(folder)/\(name).conflist", encoding: .utf8)
            #expect(text.contains(#""name": "\#(name)""#))
        }
    }

    @Test(arguments: ["bridge", "dual-stack"])
    func containersReachEachOtherAndTheWorld(name: String) throws {
        let scene = try Scene(name)
        let families: [(AddressFamily, PortFamily)] =
            name == "bridge" ? [(.ipv4, .ipv4)] : [(.ipv4, .ipv4), (.ipv6, .ipv6)]
        for (family, outside) in families {
            try expect(
                scene.ports, name,
                [
                    .answer(
                        from: scene.ports.containers[1], to: try scene.address(0, family), 80, by: Self.container(0),
                        seenAs: try scene.address(1, family)),
                    // By the address of the host.
                    .answer(
                        from: scene.ports.containers[1], to: outside.outsideAddress, 80, by: PortLab.outsideName,
                        seenAs: outside.hostAddress),
                ])
        }
        try scene.finish()
    }

    @Test func portsArePublished() throws {
        let scene = try Scene("ports", published: #"[{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]"#)
        try expect(
            scene.ports, "ports",
            PortFamily.allCases.map {
                .answer(from: scene.ports.outside, to: $0.hostAddress, 8080, by: Self.container(0))
            } + [.answer(from: scene.ports.host, to: "127.0.0.1", 8080, by: Self.container(0))])
        try scene.finish()
    }

    @Test func anInternalNetworkLeadsNowhere() throws {
        let scene = try Scene("internal")
        try expect(
            scene.ports, "internal",
            [
                .answer(from: scene.ports.containers[1], to: try scene.address(0), 80, by: Self.container(0)),
                .answer(from: scene.ports.host, to: try scene.address(0), 80, by: Self.container(0)),
            ])
        #expect(try scene.ports.container.routes().contains { $0.dst == "default" } == false)
        try scene.finish()
    }

    @Test func isolatedContainersReachTheWorldOnly() throws {
        let scene = try Scene("isolated", published: #"[{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]"#)
        try expect(
            scene.ports, "isolated",
            [
                .silence(from: scene.ports.containers[1], to: try scene.address(0), 80),
                .silence(from: scene.ports.containers[0], to: try scene.address(1), 80),
                .answer(
                    from: scene.ports.containers[1], to: PortFamily.ipv4.outsideAddress, 80, by: PortLab.outsideName),
                .answer(from: scene.ports.outside, to: PortFamily.ipv4.hostAddress, 8080, by: Self.container(0)),
            ])
        try scene.finish()
    }

    @Test func layer2HasNoAddresses() throws {
        let scene = try Scene("layer2")
        #expect(scene.results.allSatisfy { $0.ips.isEmpty })
        for container in 0...1 {
            try scene.ports.containers[container].ip("address", "add", "10.94.0.\(container + 2)/24", "dev", "eth0")
        }
        try expect(
            scene.ports, "layer2",
            [.answer(from: scene.ports.containers[1], to: "10.94.0.2", 80, by: Self.container(0))])
        #expect(try scene.ports.host.addresses(of: "cni6").filter { !$0.hasPrefix("fe80:") } == [])
        try scene.finish()
    }

    @Test func loopbackIsUp() throws {
        let scene = try Scene("loopback")
        #expect(scene.results.map { $0.interfaces.map(\.name) } == [["lo"], ["lo"]])
        #expect(try scene.ports.container.link("lo")?.isUp == true)
        try scene.finish()
    }
}

extension NetworkToolTests.Scene {
    /// Copies a file of `conf/` as it is, but for where leases are kept.
    func copyReadyNetwork(_ name: String) throws {
        let file = Repository.root.appending(path: "conf/\(name).conflist")
        let text = try String(contentsOf: file, encoding: .utf8)
        let key = #""type": "host-local","#
        try lab.write(
            text.replacing(key, with: #"\#(key) "dataDir": "\#(lab.path("data"))","#), to: "net.d/\(name).conflist")
    }
}
