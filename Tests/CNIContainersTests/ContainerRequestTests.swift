import CNI
import CNIRuntime
import Foundation
import JSON
import NetworkAddress
import Testing

@testable import CNIContainers

@Suite struct ContainerRequestTests {
    /// Networks of these names: `web` and `db` let containers choose everything, `old` lets them choose nothing.
    private func offers(_ names: String...) throws -> [NetworkOffer] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cnit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in names {
            let subnet = ["web": "10.1.0.0/16", "db": "10.2.0.0/16"][name] ?? "10.3.0.0/16"
            let choices = name == "old" ? "" : #""capabilities": {"ips": true, "mac": true}, "#
            let ports = name == "old" ? "" : #", {"type": "portmap", "capabilities": {"portMappings": true}}"#
            let text =
                #"{"cniVersion": "1.0.0", "name": "\#(name)", "plugins": [{"type": "bridge", \#(choices)"#
                + #""ipam": {"type": "host-local", "ranges": [[{"subnet": "\#(subnet)"}]]}}\#(ports)]}"#
            try Data(text.utf8).write(to: folder.appending(path: "\(name).conflist"))
        }
        return try ConfigurationFolder(folder.path).networks().networks.map { NetworkOffer($0) }
    }

    private func request(_ change: (inout ContainerRequest) -> Void) -> ContainerRequest {
        var request = ContainerRequest()
        change(&request)
        return request
    }

    @Test func `what is asked for goes to the network that it is for`() throws {
        let plan = try request {
            $0.networks = ["web", "db"]
            $0.addresses = ["10.2.0.9", "10.1.0.9"]
            $0.mac = "02:42:AC:12:00:09"
            $0.ports = ["8080:80"]
            $0.aliases = ["www"]
            $0.name = "shop"
        }.plan(try offers("db", "old", "web"))
        #expect(plan.hasSandbox)
        #expect(plan.name == "shop")
        #expect(plan.attachments.map(\.network) == ["web", "db"])
        #expect(plan.attachments.map(\.interfaceName) == ["eth0", "eth1"])
        #expect(plan.attachments.map(\.aliases) == [["www"], ["www"]])
        let ports: JSONValue = [["hostPort": 8080, "containerPort": 80, "protocol": "tcp"]]
        #expect(
            plan.attachments.map(\.capabilityArguments) == [
                ["ips": ["10.1.0.9"], "mac": "02:42:ac:12:00:09", "portMappings": ports],
                ["ips": ["10.2.0.9"], "portMappings": ports],
            ])
        #expect(plan.attachments[1].configuration["name"] == "db")
    }

    @Test func `ports go to those networks that publish, if any does`() throws {
        let plan = try request {
            $0.networks = ["old", "web"]
            $0.ports = ["8080:80"]
        }.plan(try offers("old", "web"))
        #expect(plan.attachments.map { $0.capabilityArguments["portMappings"] == nil } == [true, false])
    }

    @Test func `without a name it is the only network, or the one named default`() throws {
        #expect(try ContainerRequest().plan(try offers("web")).attachments.map(\.network) == ["web"])
        #expect(
            try ContainerRequest().plan(try offers("web", "default", "db")).attachments.map(\.network) == ["default"])
        let none = try request { $0.networks = ["none"] }.plan([])
        #expect(none.hasSandbox && none.attachments.isEmpty)
        #expect(try !request { $0.networks = ["host"] }.plan([]).hasSandbox)
    }

    /// What is asked for, and the beginning of the refusal.
    static let refusals: [(@Sendable (inout ContainerRequest) -> Void, String)] = [
        (
            { _ in },
            "there are several networks, and none is named \"default\": choose with --network one of db, old, web"
        ),
        ({ $0.networks = ["lan"] }, "there is no network \"lan\": choose one of db, old, web, host, none, or create"),
        ({ $0.networks = ["web", "web"] }, "--network web is given twice"),
        ({ $0.networks = ["web", "host"] }, "--network host stands alone"),
        (
            {
                $0.networks = ["host"]
                $0.ports = ["8080:80"]
            }, "-p does not go with --network host, where the container has the network of the host"
        ),
        (
            {
                $0.networks = ["none"]
                $0.aliases = ["www"]
            }, "--alias does not go with --network none"
        ),
        (
            {
                $0.networks = ["web"]
                $0.addresses = ["10.9.0.1"]
            }, "--ip 10.9.0.1 is in none of 10.1.0.0/16 of web"
        ),
        (
            {
                $0.networks = ["web"]
                $0.addresses = ["10.1.0.1"]
            }, "--ip 10.1.0.1 is the gateway of network \"web\": choose another one"
        ),
        (
            {
                $0.networks = ["web"]
                $0.addresses = ["10.1.255.255"]
            },
            "--ip 10.1.255.255 is none of those that network \"web\" gives to containers: choose one from 10.1.0.1 to 10.1.255.254"
        ),
        (
            {
                $0.networks = ["web"]
                $0.addresses = ["10.1.0.1/16"]
            }, "--ip: expected an address such as 172.18.0.9, found"
        ),
        (
            {
                $0.networks = ["old"]
                $0.addresses = ["10.3.0.9"]
            }, "network \"old\" has nothing for --ip: give the plugin bridge in "
        ),
        (
            {
                $0.networks = ["old"]
                $0.mac = "02:42:ac:12:00:09"
            }, "network \"old\" has nothing for --mac-address: give the plugin bridge in "
        ),
        (
            {
                $0.networks = ["old"]
                $0.ports = ["8080:80"]
            }, "network \"old\" has nothing for -p: give the plugin portmap in "
        ),
        (
            {
                $0.networks = ["web"]
                $0.ports = ["[fd00::7]:8080:80"]
            }, "-p: the host's address fd00::7 leads nowhere, as the container gets no IPv6 address: choose"
        ),
        ({ $0.mac = "01:00:5e:00:00:01" }, "--mac-address: expected the address of one link"),
        ({ $0.name = "a b" }, "--name: \"a b\" is no name"),
        ({ $0.hostName = "a\nb" }, "--hostname: \"a?b\" is no name"),
        ({ $0.aliases = ["localhost"] }, "--alias: \"localhost\" is no name"),
        ({ $0.links = [":a"] }, "--link: expected"),
    ]

    @Test(arguments: refusals.indices) func `a refusal is one sentence with the remedy`(number: Int) throws {
        let (change, beginning) = ContainerRequestTests.refusals[number]
        let offers = try offers("db", "old", "web")
        let refusal = #expect(throws: ContainerRefusal.self) { try request(change).plan(offers) }
        #expect(refusal?.description.hasPrefix(beginning) == true, "\(refusal?.description ?? "none")")
    }

    @Test func `who runs cannot have the host's network any more`() throws {
        let offers = try offers("web")
        for (name, beginning) in [
            ("host", "network host is for containers that"),
            ("lan", "there is no network \"lan\": choose one of web, or"),
        ] {
            let refusal = #expect(throws: ContainerRefusal.self) {
                try ContainerRequest.offer(name, in: offers, isRunning: true)
            }
            #expect(refusal?.description.hasPrefix(beginning) == true, "\(refusal?.description ?? "none")")
        }
    }

    @Test func `links lead to containers that share a network, and names are free`() throws {
        var target = ContainerRecord(id: String(repeating: "a", count: 64))
        target.attachments = [ContainerAttachment(network: "web", interfaceName: "eth0")]
        var plan = try request {
            $0.networks = ["web"]
            $0.links = ["aaaa:store"]
            $0.name = "shop"
        }.plan(try offers("web"))
        try plan.settle(among: [target])
        #expect(plan.links == [ContainerLink(target: target.id, alias: "store")])
        target.name = "shop"
        #expect(throws: ContainerRefusal.self) { try plan.settle(among: [target]) }
        target.name = nil
        target.attachments = []
        #expect(throws: ContainerRefusal.self) { try plan.settle(among: [target]) }
    }

    @Test func `ports and addresses that a container has are not given away`() throws {
        var other = ContainerRecord(id: String(repeating: "a", count: 64), name: "shop")
        other.ports = try PortPublication.all(["10.1.0.7:8080:80"])
        other.attachments = [
            ContainerAttachment(
                network: "web", interfaceName: "eth0", addresses: [IPAddress("10.1.0.9")].compactMap { $0 })
        ]
        for (port, address, refusal) in [
            (
                "8080:80", "10.1.0.8",
                "-p: port 8080/tcp of the host leads to container shop: choose another one, or end"
            ),
            ("8081:80", "10.1.0.9", "--ip 10.1.0.9 is the address of container shop: choose another one, or leave"),
            ("10.1.0.8:8080:80", "10.1.0.8", nil),
        ] as [(String, String, String?)] {
            var plan = try request {
                $0.networks = ["web"]
                $0.ports = [port]
                $0.addresses = [address]
            }.plan(try offers("web"))
            var found: ContainerRefusal?
            do throws(ContainerRefusal) { try plan.settle(among: [other]) } catch { found = error }
            #expect((found == nil) == (refusal == nil))
            if let refusal { #expect(found?.description.hasPrefix(refusal) == true, "\(found?.description ?? "")") }
        }
    }

    @Test func `a port of the host that nobody names is the lowest that is free`() throws {
        var other = ContainerRecord(id: String(repeating: "a", count: 64), name: "shop")
        other.ports = try PortPublication.all(["49152:80", "49154:80/udp"])
        var plan = try request {
            $0.networks = ["web"]
            $0.ports = ["80", "49155:443", "81-82", "53/udp"]
        }.plan(try offers("web"))
        try plan.settle(among: [other]) { $0.hostPort == 49153 }
        #expect(plan.ports.map(\.hostPort) == [49154, 49155, 49156, 49157, 49152])
        #expect(plan.attachments[0].capabilityArguments["portMappings"] == .array(plan.ports.map(\.json)))
        let full = plan
        #expect(throws: ContainerRefusal.self) {
            var plan = full
            plan.ports = try PortPublication.all(["80"])
            try plan.settle(among: []) { _ in true }
        }
    }

    @Test func `a port that a process of the host has is refused`() throws {
        var plan = try request {
            $0.networks = ["web"]
            $0.ports = ["8080:80/udp"]
        }.plan(try offers("web"))
        let refusal = #expect(throws: ContainerRefusal.self) { try plan.settle(among: []) { $0.hostPort == 8080 } }
        #expect(
            refusal?.description == "-p: a process of the host uses port 8080/udp: choose another one, or end that "
                + "process, which \"ss -lnp sport = :8080\" shows")
    }

    @Test func `a container is connected by its next interface, once a network`() throws {
        var container = ContainerRecord(id: String(repeating: "a", count: 64), sandboxPath: "/run/netns/a")
        container.attachments = [ContainerAttachment(network: "web", interfaceName: "eth0")]
        container.ports = try PortPublication.all(["8080:80"])
        let offers = try offers("db", "web")
        let attachment = try ContainerRequest.attachment(
            of: container, to: offers[0], addresses: ["10.2.0.9"], aliases: ["store"])
        #expect(attachment.interfaceName == "eth1")
        #expect(attachment.capabilityArguments["ips"] == ["10.2.0.9"])
        #expect(attachment.capabilityArguments["portMappings"] != nil)
        for (offer, sandbox) in [(offers[1], "/run/netns/a"), (offers[0], nil)] {
            container.sandboxPath = sandbox
            let container = container
            #expect(throws: ContainerRefusal.self) {
                try ContainerRequest.attachment(of: container, to: offer, addresses: [], aliases: [])
            }
        }
    }
}
