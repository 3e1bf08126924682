import Foundation
import TestSupport
import Testing

/// The key ipspoofchk: a container sends with the addresses that it was given, or not at all.
@Suite(.needsPortLab)
struct BridgeAddressSpoofTests {
    private static let table = "bridge cni_spoof_check"

    private func attach(_ lab: Lab) throws {
        var network = BridgeNetwork(lab)
        network.keys = #""isDefaultGateway": true, "ipspoofchk": true"#
        _ = try network.add()
    }

    /// Whether the container reaches the host from an address of its own, and the host the container by that address.
    private func expectReach(
        _ lab: Lab, from address: String, _ isReached: Bool, _ note: String,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let gateway = address.contains(":") ? "fd01::1" : "10.1.0.1"
        let out = try lab.container.run("ping", ["-n", "-c1", "-W1", "-I", address, gateway], timeout: 5)
        #expect(out.isSuccess == isReached, "\(note): from \(address): \(out)", sourceLocation: location)
        let back = try lab.host.ping(address)
        #expect(back.isAnswered == isReached, "\(note): to \(address): \(back.report)", sourceLocation: location)
    }

    @Test func aSecondAddressNeitherSendsNorIsAnswered() throws {
        let lab = try Lab()
        try attach(lab)
        let given = ["10.1.0.2", "fd01::2"]
        let taken = ["10.1.0.99", "fd01::99"]
        for address in given { try expectReach(lab, from: address, true, "given") }
        try lab.container.shell(
            "ip address add 10.1.0.99/16 dev eth0 && ip address add fd01::99/64 dev eth0 nodad")
        for address in taken { try expectReach(lab, from: address, false, "taken") }
        // Nor does anybody learn who has it: ARP and neighbour advertisements are looked into.
        let learnt = try lab.host.neighbours().filter { $0.lladdr != nil }.compactMap(\.dst)
        #expect(learnt.filter(taken.contains) == [], "\(learnt)")
        // Who knows already is not answered either.
        let mac = try #require(try lab.container.link("eth0")?.address)
        for address in taken {
            try lab.host.ip("neighbour", "replace", address, "lladdr", mac, "dev", "cni0")
            try expectReach(lab, from: address, false, "taken, and known")
        }
        for address in given { try expectReach(lab, from: address, true, "given, after all that") }
        // Nothing else was in the way.
        try lab.host.shell("nft delete table \(Self.table)")
        for address in taken { try expectReach(lab, from: address, true, "unprotected") }
    }

    @Test func arpWithAForeignSenderIsDropped() throws {
        let lab = try Lab()
        try attach(lab)
        let script = Repository.root.appending(path: "testdata/portlab/arp.py").path
        let ask = { (sender: String) in
            try lab.container.shell("python3 '\(script)' eth0 \(sender) 10.1.0.1")
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        #expect(try ask("10.1.0.2") == "answered")
        for foreign in ["10.1.0.99", "10.1.0.1", "192.0.2.9"] {
            #expect(try ask(foreign) == "silence", "from \(foreign)")
        }
        let learnt = try lab.host.neighbours().filter { $0.lladdr != nil }.compactMap(\.dst)
        #expect(!learnt.contains("10.1.0.99"), "\(learnt)")
        try lab.host.shell("nft delete table \(Self.table)")
        #expect(try ask("10.1.0.99") == "answered", "unprotected")
    }

    /// The frame is from an address that was given: what it says is looked at.
    @Test func advertisementsOfAForeignAddressAreDropped() throws {
        let lab = try Lab()
        try attach(lab)
        let script = Repository.root.appending(path: "testdata/portlab/advertise.py").path
        let other = "02:00:00:00:00:98"
        let own = try #require(try lab.container.link("eth0")?.address)
        #expect(try lab.container.ping("fd01::1").isAnswered)
        /// Whom the host takes the address for after the container has advertised it.
        let owner = { (address: String) in
            try lab.host.ip("neighbour", "replace", address, "lladdr", other, "dev", "cni0", "nud", "stale")
            try lab.container.shell("python3 '\(script)' eth0 fd01::2 \(address) fd01::1")
            // Comes after it on the same way.
            #expect(try lab.container.ping("fd01::1").isAnswered)
            return try lab.host.neighbours().first { $0.dst == address }?.lladdr
        }
        #expect(try owner("fd01::2") == own)
        for foreign in ["fd01::99", "fe80::99"] { #expect(try owner(foreign) == other, "\(foreign)") }
        try lab.host.shell("nft delete table \(Self.table)")
        #expect(try owner("fd01::99") == own, "unprotected")
    }
}
