import Foundation
import TestSupport
import Testing

/// The key macspoofchk: a container sends with its own hardware address, or not at all.
@Suite(.needsPortLab)
struct BridgeSpoofCheckTests {
    private static let table = "bridge cni_spoof_check"

    private func network(_ lab: Lab, version: String = "1.0.0") -> BridgeNetwork {
        var network = BridgeNetwork(lab)
        network.version = version
        network.keys = #""isDefaultGateway": true, "macspoofchk": true"#
        return network
    }

    /// Whether a container and the host reach each other, either way and in both families.
    private func expectReach(
        _ lab: Lab, _ container: Int, _ isReached: Bool, _ note: String, at location: SourceLocation = #_sourceLocation
    ) throws {
        let inside = lab.containers[container]
        let pings =
            try ["10.1.0.1", "fd01::1"].map { try inside.ping($0) }
            + ["10.1.0.\(container + 2)", "fd01::\(container + 2)"].map { try lab.host.ping($0) }
        for ping in pings {
            #expect(ping.isAnswered == isReached, "\(note): \(ping.report)", sourceLocation: location)
        }
    }

    @Test func framesWithAnotherAddressAreDropped() throws {
        let lab = try Lab(containers: 2)
        let network = network(lab)
        let attached = try network.add(container: 0).text
        _ = try network.add(container: 1)
        #expect(try lab.host.filterTables() == [Self.table])
        let own = try #require(try lab.container.link("eth0")?.address)
        let neighbour = try #require(try lab.containers[1].link("eth0")?.address)
        for container in 0...1 { try expectReach(lab, container, true, "as attached") }
        for address in ["02:00:00:00:00:99", neighbour] {
            try lab.container.ip("link", "set", "eth0", "address", address)
            try expectReach(lab, 0, false, "as \(address)")
            try expectReach(lab, 1, true, "the other one")
        }
        try lab.container.ip("link", "set", "eth0", "address", own)
        try expectReach(lab, 0, true, "as itself again")
        let check = try network.call("CHECK", prevResult: attached)
        #expect(check.isSuccess, "\(check)")
    }

    /// A frame to a neighbour, too, and whatever is in it: the source of the frame is looked at.
    @Test func neighboursAreProtectedAsWell() throws {
        let lab = try Lab(containers: 2)
        let network = network(lab)
        _ = try network.add(container: 0)
        var plain = network
        plain.keys = #""isDefaultGateway": true"#
        _ = try plain.add(container: 1)
        #expect(try lab.container.ping("10.1.0.3").isAnswered)
        try lab.container.ip("link", "set", "eth0", "address", "02:00:00:00:00:99")
        #expect(try !lab.container.ping("10.1.0.3").isAnswered)
        // Who did not ask for it may do as it likes.
        try lab.containers[1].ip("link", "set", "eth0", "address", "02:00:00:00:00:98")
        #expect(try lab.containers[1].ping("10.1.0.1").isAnswered)
    }

    @Test func delTakesItAwayAndNothingElse() throws {
        let lab = try Lab(containers: 2)
        let network = network(lab)
        let kept = try network.add(container: 1).text
        let before = try lab.host.nftTable(Self.table)
        for sandbox in [lab.container.path, "", "/run/netns/never-was"] {
            _ = try network.add(container: 0)
            #expect(try lab.host.nftTable(Self.table) != before)
            let answer = try lab.call(
                "bridge", "DEL", network.configuration(), containerID: "container-0",
                searchPath: network.searchPath, variables: ["CNI_NETNS": sandbox])
            #expect(answer.isSuccess, "\(answer)")
            #expect(try lab.host.nftTable(Self.table) == before, "told \(sandbox)")
        }
        _ = try network.add(container: 0)
        lab.container.remove()
        #expect(try network.call("DEL").isSuccess)
        #expect(try lab.host.nftTable(Self.table) == before, "gone")
        try lab.containers[1].ip("link", "set", "eth0", "address", "02:00:00:00:00:99")
        try expectReach(lab, 1, false, "the other one is still looked at")
        #expect(try network.call("DEL", container: 1, prevResult: kept).isSuccess)
        #expect(try lab.host.filterTables() == [])
    }

    @Test func garbageCollectionTakesItAway() throws {
        let lab = try Lab(containers: 2)
        let network = network(lab, version: "1.1.0")
        _ = try network.add(container: 1)
        let kept = try lab.host.nftTable(Self.table)
        _ = try network.add(container: 0)
        let all = try lab.host.nftTable(Self.table)
        for (members, expected) in [
            ("", all), (#""cni.dev/valid-attachments": [{"containerID": "container-1", "ifname": "eth0"}]"#, kept),
            (#""cni.dev/valid-attachments": []"#, nil),
        ] {
            let answer = try network.call("GC", members: members)
            #expect(answer.isSuccess, "\(answer)")
            #expect(try lab.host.nftTable(Self.table) == expected, "GC \(members)")
        }
    }

    @Test func checkMissesEachRule() throws {
        let lab = try Lab()
        let network = network(lab)
        var (number, count) = (0, 1)
        while number < count {
            let attached = try network.add().text
            let check = try network.call("CHECK", prevResult: attached)
            #expect(check.isSuccess, "\(check)")
            let parts = try FilterPart.parts(ofTable: Self.table, in: lab)
            count = parts.count
            try lab.host.shell(parts[number].removal)
            let answer = try network.call("CHECK", prevResult: attached)
            #expect(answer.error != nil, "without \(parts[number]): \(answer)")
            #expect(try network.call("DEL").isSuccess)
            try FilterPart.flushEverything(lab)
            number += 1
        }
    }

    @Test func foreignRulesAreTheSame() throws {
        let lab = try Lab()
        try lab.host.shell(
            """
            nft 'add table bridge nat; add chain bridge nat PREROUTING { type filter hook prerouting priority dstnat; }
                add rule bridge nat PREROUTING iifname "other" drop'
            """)
        let foreign = try lab.host.nftTable("bridge nat")
        let network = network(lab)
        _ = try network.add()
        #expect(try lab.host.nftTable("bridge nat") == foreign)
        #expect(try network.call("DEL").isSuccess)
        #expect(try lab.host.nftTable("bridge nat") == foreign)
        #expect(try lab.host.filterTables() == ["bridge nat"])
    }
}
