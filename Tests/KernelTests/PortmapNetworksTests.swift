import CNI
import Foundation
import TestSupport
import Testing

/// One container on two networks that publish the same ports, as podman has it: one attachment has them, the other waits.
@Suite(.needsPortLab)
struct PortmapNetworksTests {
    private let web = PortLab.name(ofContainer: 0)
    private static let mappings =
        PublishedPort.all(8080, 80) + [
            PublishedPort(8081, 81, hostIP: "192.0.2.1"), PublishedPort(8081, 81, hostIP: "2001:db8::1"),
        ]
    private static let ranges = [PublishedPort(9000, 9000, range: 3)]
    private static let conditions = #""conditionsV4": ["-s", "192.0.2.0/24"], "conditionsV6": ["-i", "up0"]"#

    /// Both networks, and the container attached to both; nothing is published yet.
    private struct Scene {
        let ports: PortLab
        let networks: [PortNetwork]
        let attached: [String]
        let bare: LabSnapshot

        /// - Parameter ending: of the networks' names.
        init(_ backend: PacketFilterBackend, keys: String = "", ending: String = "") throws {
            ports = try PortLab()
            var first = try PortNetwork(ports, backend, version: "1.1.0")
            var second = try PortNetwork(ports, backend, number: 2, version: "1.1.0")
            second.bridge.keys = #""isGateway": true, "bridge": "cni2""#
            first.bridge.name += ending
            second.bridge.name += ending
            first.keys = keys
            second.keys = keys
            networks = [first, second]
            attached = [try first.attach(), try second.attach(interface: "eth1")]
            try ports.serve(in: ports.container, as: PortLab.name(ofContainer: 0), on: [9000, 9002])
            bare = try ports.lab.snapshot(files: false)
        }

        private func interface(_ number: Int) -> String { "eth\(number)" }

        func publish(_ number: Int, _ mappings: [PublishedPort]) throws {
            try networks[number].publish(
                mappings, prevResult: attached[number], interface: interface(number))
        }

        func succeed(
            _ command: String, _ number: Int, _ mappings: [PublishedPort]? = nil, members: String = "",
            at location: SourceLocation = #_sourceLocation
        ) throws {
            try networks[number].succeed(
                command, 0, mappings, prevResult: command == "CHECK" ? attached[number] : nil, members: members,
                interface: interface(number), at: location)
        }

        func expectCheckToFail(
            _ number: Int, _ mappings: [PublishedPort], at location: SourceLocation = #_sourceLocation
        ) throws {
            let answer = try networks[number].call(
                "CHECK", 0, PublishedPort.json(mappings), prevResult: attached[number], interface: interface(number))
            #expect(answer.error?.code == .failed, "\(networks[number].backend): \(answer)", sourceLocation: location)
        }

        /// Everybody is answered at the container's address of that network; nil: nobody is.
        func expectAnswers(
            _ number: Int?, _ mappings: [PublishedPort], _ note: String, fromLoopback: Bool = true,
            at location: SourceLocation = #_sourceLocation
        ) throws {
            var questions: [(PortQuestion, String?)] = []
            for mapping in mappings {
                for family in PortFamily.allCases where mapping.hostIP.map({ $0 == family.hostAddress }) ?? true {
                    let numbers = mapping.range == nil ? [mapping.host] : [mapping.host, mapping.host + 2]
                    let addresses = [
                        (ports.outside, family.hostAddress),
                        (ports.host, mapping.hostIP == nil && family == .ipv4 ? "127.0.0.1" : family.hostAddress),
                    ]
                    for (from, address) in fromLoopback ? addresses : [addresses[0]] {
                        questions += numbers.map {
                            let question = PortQuestion(
                                from: from, to: address, $0, mapping.protocol, timeout: number == nil ? 0.4 : 3)
                            return (question, number.map { networks[$0].address(family) })
                        }
                    }
                }
            }
            let name = PortLab.name(ofContainer: 0)
            for ((question, address), reply) in zip(questions, try ports.ask(questions.map(\.0))) {
                let isRight = address == nil ? !reply.isAnswered : reply.name == name && reply.address == address
                #expect(
                    isRight, "\(networks[0].backend), \(note): \(question): \(reply), expected \(address ?? "nobody")",
                    sourceLocation: location)
            }
        }
    }

    /// The comments that say whose a port is have room for less than that.
    @Test(arguments: PacketFilterBackend.allCases)
    func namesMayBeLong(backend: PacketFilterBackend) throws {
        let scene = try Scene(backend, ending: String(repeating: "-long", count: 26))
        let mappings = Self.mappings
        for number in 0...1 { try scene.publish(number, mappings) }
        for number in 0...1 { try scene.succeed("CHECK", number, mappings) }
        for number in 0...1 { try scene.succeed("DEL", number) }
        expectUnchanged(scene.bare, try scene.ports.lab.snapshot(files: false))
    }

    @Test(arguments: PacketFilterBackend.allCases, [0, 1])
    func thePortAnswersAsLongAsOneNetworkIsLeft(backend: PacketFilterBackend, leaving: Int) throws {
        let scene = try Scene(backend)
        let mappings = Self.mappings + Self.ranges
        let staying = 1 - leaving
        try scene.publish(0, mappings)
        try scene.expectAnswers(0, mappings, "published on one network")
        try scene.publish(1, mappings)
        try scene.expectAnswers(0, mappings, "published on both")
        for number in 0...1 { try scene.succeed("CHECK", number, mappings) }

        try scene.succeed("DEL", leaving)
        try scene.expectAnswers(staying, mappings, "after DEL on net\(leaving + 1)")
        try scene.succeed("CHECK", staying, mappings)
        try scene.expectCheckToFail(leaving, mappings)
        // The one that is gone says so as often as it likes.
        try scene.succeed("DEL", leaving)
        try scene.expectAnswers(staying, mappings, "after another DEL on net\(leaving + 1)")
        // What went comes back, and waits.
        try scene.publish(leaving, mappings)
        try scene.expectAnswers(staying, mappings, "published on both again")
        for number in 0...1 { try scene.succeed("CHECK", number, mappings) }

        try scene.succeed("DEL", staying)
        try scene.expectAnswers(leaving, mappings, "after DEL on net\(staying + 1)")
        try scene.succeed("DEL", leaving)
        try scene.expectAnswers(nil, [Self.mappings[0]], "after the last DEL")
        expectUnchanged(scene.bare, try scene.ports.lab.snapshot(files: false))
    }

    @Test(arguments: PacketFilterBackend.allCases, [0, 1])
    func conditionsStayWithTheirPorts(backend: PacketFilterBackend, leaving: Int) throws {
        let scene = try Scene(backend, keys: Self.conditions)
        let staying = 1 - leaving
        for number in 0...1 { try scene.publish(number, Self.mappings) }
        for number in 0...1 { try scene.succeed("CHECK", number, Self.mappings) }
        try scene.expectAnswers(0, Self.mappings, "published on both", fromLoopback: false)
        try scene.succeed("DEL", leaving)
        try scene.expectAnswers(staying, Self.mappings, "after DEL on net\(leaving + 1)", fromLoopback: false)
        // Who is not among those that may.
        try expect(
            scene.ports, "\(backend)",
            PortFamily.allCases.map { .silence(from: scene.ports.beyond, to: $0.hostAddress, 8080) })
        try scene.succeed("CHECK", staying, Self.mappings)
        try scene.succeed("DEL", staying)
        expectUnchanged(scene.bare, try scene.ports.lab.snapshot(files: false))
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func garbageOfOneNetworkLeavesTheOther(backend: PacketFilterBackend) throws {
        let scene = try Scene(backend)
        let mappings = Self.mappings + Self.ranges
        for number in 0...1 { try scene.publish(number, mappings) }
        let garbage = #""cni.dev/valid-attachments": []"#
        // Who lives keeps what it has, on either network.
        for number in 0...1 {
            try scene.succeed(
                "GC", number,
                members: #""cni.dev/valid-attachments": [{"containerID": "container-0", "ifname": "eth\#(number)"}]"#)
        }
        for number in 0...1 { try scene.succeed("CHECK", number, mappings) }
        try scene.succeed("GC", 0, members: garbage)
        try scene.expectAnswers(1, mappings, "after GC on net1")
        try scene.succeed("CHECK", 1, mappings)
        try scene.succeed("GC", 1, members: garbage)
        try scene.expectAnswers(nil, [Self.mappings[0]], "after GC on both")
        expectUnchanged(scene.bare, try scene.ports.lab.snapshot(files: false))
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func anotherADDOfTheSameAttachmentReplacesItsPorts(backend: PacketFilterBackend) throws {
        let scene = try Scene(backend)
        let before = [PublishedPort(8080, 80), PublishedPort(7070, 80), PublishedPort(9000, 9000, range: 3)]
        // One stays, one goes elsewhere, one is new, and a range is gone.
        let after = [PublishedPort(8080, 80), PublishedPort(7070, 81, .udp), PublishedPort(6060, 80)]
        try scene.publish(0, before)
        try scene.publish(0, after)
        try scene.expectAnswers(0, after, "published anew")
        try scene.expectAnswers(nil, Array(before.dropFirst()), "published no more")
        try scene.succeed("CHECK", 0, after)
        try scene.expectCheckToFail(0, before)
        // The very same once more is nothing new.
        let snapshot = try scene.ports.lab.snapshot(files: false)
        try scene.publish(0, after)
        #expect(snapshot.changes(to: try scene.ports.lab.snapshot(files: false)) == "")
        try scene.succeed("DEL", 0)
        expectUnchanged(scene.bare, try scene.ports.lab.snapshot(files: false))
    }

    /// What one attachment gives up without DEL goes to the other that waits for it, too.
    @Test(arguments: PacketFilterBackend.allCases)
    func portsThatAreReplacedGoToTheOtherNetwork(backend: PacketFilterBackend) throws {
        let scene = try Scene(backend)
        for number in 0...1 { try scene.publish(number, Self.mappings) }
        let others = [PublishedPort(6060, 80)]
        try scene.publish(0, others)
        try scene.expectAnswers(0, others, "published anew on net1")
        try scene.expectAnswers(1, Self.mappings, "given up by net1")
        try scene.succeed("CHECK", 0, others)
        try scene.succeed("CHECK", 1, Self.mappings)
        // Back again: now net1 waits, and may wait for something else.
        try scene.publish(0, Self.mappings)
        try scene.publish(0, [PublishedPort(8080, 81)])
        try scene.expectAnswers(1, Self.mappings, "net1 waits")
        try scene.succeed("CHECK", 1, Self.mappings)
        try scene.succeed("DEL", 1)
        try scene.expectAnswers(0, [PublishedPort(8080, 81)], "net1 is left")
        try scene.succeed("CHECK", 0, [PublishedPort(8080, 81)])
        try scene.succeed("DEL", 0)
        expectUnchanged(scene.bare, try scene.ports.lab.snapshot(files: false))
    }
}
