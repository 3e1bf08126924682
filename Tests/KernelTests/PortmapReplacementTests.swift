import CNI
import TestSupport
import Testing

/// A second ADD of an attachment, and what somebody else has put where something of ours was.
@Suite(.needsPortLab)
struct PortmapReplacementTests {
    /// Whatever there was, in whichever family, the last ADD says what there is.
    @Test(arguments: PacketFilterBackend.allCases)
    func theLastADDSaysWhatIsPublished(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        let network = try PortNetwork(ports, backend)
        let attached = try network.attach()
        let before = try ports.lab.snapshot(files: false)
        try network.publish([PublishedPort(8080, 80)], prevResult: attached)
        let name = PortLab.name(ofContainer: 0)
        let outside = ports.outside
        try expect(ports, "\(backend)", [.answer(from: outside, to: "2001:db8::1", 8080, by: name)])

        let mappings = [PublishedPort(8081, 80, hostIP: "0.0.0.0")]
        try network.publish(mappings, prevResult: attached)
        try expect(
            ports, "\(backend), the second time",
            [
                .answer(from: outside, to: "192.0.2.1", 8081, by: name),
                .silence(from: outside, to: "192.0.2.1", 8080), .silence(from: outside, to: "2001:db8::1", 8080),
            ])
        try network.succeed("CHECK", 0, mappings, prevResult: attached)
        try network.succeed("DEL")
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    /// The conflict is one of IPv6, which is looked at after IPv4.
    @Test(arguments: PacketFilterBackend.allCases)
    func aRefusedADDLeavesWhatThereWas(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, backend)
        let attached = [try network.attach(0), try network.attach(1)]
        try network.publish([PublishedPort(8080, 80, hostIP: "::")], 0, prevResult: attached[0])
        try network.publish([PublishedPort(7070, 80)], 1, prevResult: attached[1])
        let before = try ports.lab.snapshot(files: false)
        let mappings = [PublishedPort(7070, 80), PublishedPort(8080, 80)]
        let answer = try network.call("ADD", 1, PublishedPort.json(mappings), prevResult: attached[1])
        #expect(answer.error?.code == .invalidConfiguration, "\(backend): \(answer)")
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    /// An administrator has led a port elsewhere, by our own map: that is no longer ours to delete.
    @Test(arguments: [false, true])
    func anElementOfSomebodyElseStays(isLastOwner: Bool) throws {
        let ports = try PortLab(containers: 2)
        let network = try PortNetwork(ports, .nftables)
        let attached = [try network.attach(0), try network.attach(1)]
        try network.publish([PublishedPort(8080, 80)], 0, prevResult: attached[0])
        if !isLastOwner { try network.publish([PublishedPort(7070, 80)], 1, prevResult: attached[1]) }
        let map = "element inet cni_ports ports_ipv4"
        let element = "{ tcp . 8080 comment \"mine\" : 10.9.9.9 . 99 }"
        _ = try ports.host.shell("nft 'delete \(map) { tcp . 8080 }; add \(map) \(element)'")
        try network.succeed("DEL", 0)
        if !isLastOwner { try network.succeed("DEL", 1) }
        let left = try ports.host.nftTable("inet cni_ports") ?? ""
        #expect(left.contains("elements = \(element)"), "\(left)")
        // When it goes, so does the table, with the next DEL of whatever container.
        _ = try ports.host.shell("nft 'delete \(map) { tcp . 8080 }'")
        try network.succeed("DEL", 0)
        let tables = try ports.host.filterTables()
        #expect(!tables.contains { $0.contains("cni_ports") }, "\(tables)")
    }
}
