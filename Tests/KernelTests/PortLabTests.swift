import Foundation
import TestSupport
import Testing

/// The harness for published ports itself, without a plugin.
@Suite(.needsPortLab) struct PortLabTests {
    @Test func `everybody answers for every protocol and family, and tells whom it saw`() throws {
        let ports = try PortLab()
        try ports.host.shell("echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
        try expect(
            ports, "",
            PortFamily.allCases.flatMap { family in
                PortProtocol.allCases.flatMap { kind -> [PortExpectation] in
                    [
                        .answer(
                            from: ports.host, to: family.outsideAddress, 80, kind, by: PortLab.outsideName,
                            seenAs: family.hostAddress),
                        .answer(
                            from: ports.outside, to: family.beyondAddress, 8080, kind, by: PortLab.beyondName,
                            seenAs: family.outsideAddress),
                        .answer(
                            from: ports.container, to: family.loopbackAddress, 81, kind,
                            by: PortLab.name(ofContainer: 0), seenAs: family.loopbackAddress),
                        .silence(from: ports.outside, to: family.hostAddress, 80, kind),
                        .silence(from: ports.outside, to: family.beyondAddress, 82, kind),
                    ]
                }
            })
    }

    @Test func `an answer names the address and the port, and a question may have a port of its own`() throws {
        let ports = try PortLab()
        let address = PortFamily.ipv4.secondHostAddress
        try ports.serve(in: ports.host, as: "one address", on: [99], address: address)
        for kind in PortProtocol.allCases {
            let reply = try #require(try ports.ask(from: ports.outside, to: address, 99, kind, sourcePort: 5000))
            #expect(reply.address == address && reply.port == 99 && reply.sourcePort == 5000, "\(kind): \(reply)")
            #expect(try ports.ask(from: ports.outside, to: PortFamily.ipv4.hostAddress, 99, kind, timeout: 0.2) == nil)
        }
        try ports.stopServing(in: ports.host)
        #expect(try ports.ask(from: ports.outside, to: address, 99) == nil)
    }

    @Test(arguments: PacketFilterBackend.iptables) func `iptables of a variant is found on its path`(
        backend: PacketFilterBackend
    ) throws {
        let ports = try PortLab()
        let path = try backend.searchPath(in: ports.lab)
        let said = try ports.host.shell("PATH=\(path); iptables --version; iptables -t nat -N CNI-X")
        #expect(said.contains(backend == .iptablesLegacy ? "(legacy)" : "(nf_tables)"), "\(said)")
        #expect(try ports.host.savedRules(backend, .ipv4).contains(":CNI-X -"))
        let tables = try ports.host.filterTables()
        #expect(tables == [backend == .iptablesLegacy ? "iptables-legacy nat" : "ip nat"])
    }
}
