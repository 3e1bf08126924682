import Foundation
import TestSupport
import Testing

/// Our tables as `nft` prints them, against the texts in testdata/packet-filter: they are what an administrator reads, so
/// that whoever changes them shall read them, too. `CNI_WRITE_TEXTS=1` writes them anew.
@Suite(.needsPortLab)
struct PacketFilterTextTests {
    @Test func publishedPorts() throws {
        let ports = try PortLab(containers: 3)
        var network = try PortNetwork(ports, .nftables)
        let attached = [try network.attach(0), try network.attach(1), try network.attach(2)]
        try network.publish(
            [
                PublishedPort(8080, 80), PublishedPort(8080, 80, .udp), PublishedPort(8081, 81, hostIP: "127.0.0.1"),
                PublishedPort(8082, 81, hostIP: "2001:db8::1"), PublishedPort(9000, 9000, range: 10),
            ], 0, prevResult: attached[0])
        network.keys = #""masqAll": true"#
        try network.publish([PublishedPort(7070, 80), PublishedPort(7070, 80, .udp)], 1, prevResult: attached[1])
        network.keys = #""snat": false"#
        try network.publish([PublishedPort(6060, 80, .sctp)], 2, prevResult: attached[2])
        try expectText("ports", table: "inet cni_ports", in: ports.host)
    }

    @Test func masquerading() throws {
        let ports = try PortLab(containers: 2)
        var network = try PortNetwork(ports, .nftables)
        network.bridge.keys += #", "ipMasq": true, "ipMasqBackend": "nftables""#
        for container in 0...1 { _ = try network.attach(container) }
        try expectText("masquerade", table: "inet cni_masquerade", in: ports.host)
    }

    @Test func firewall() throws {
        let ports = try PortLab(containers: 4)
        let places = [(0, 1, "same-bridge"), (1, 1, "same-bridge"), (2, 2, "isolated"), (3, 3, "open")]
        for (container, number, policy) in places {
            try FirewallNetwork(ports, .nftables, number: number, policy: policy).attach(container)
        }
        try expectText("firewall", table: "inet cni_firewall", in: ports.host)
    }

    @Test(arguments: ["macspoofchk", "ipspoofchk"]) func spoofCheck(key: String) throws {
        let lab = try Lab()
        var network = BridgeNetwork(lab)
        network.keys = #""isDefaultGateway": true, "\#(key)": true"#
        // Its IPv6 link-local address follows from the hardware address.
        _ = try network.add(arguments: "MAC=02:00:00:00:00:17")
        // ADD makes the name up.
        let link = try #require(try network.hostLinks().first { $0 != "cni0" })
        try expectText(key, table: "bridge cni_spoof_check", in: lab.host, [(link, "vethXXXXXXXX")])
    }

    /// - Parameter placeholders: what differs from run to run, and what stands for it in the text.
    private func expectText(
        _ name: String, table: String, in host: LabNamespace, _ placeholders: [(String, String)] = [],
        at location: SourceLocation = #_sourceLocation
    ) throws {
        var text = try #require(try host.nftTable(table), sourceLocation: location)
        for (varying, placeholder) in placeholders { text = text.replacing(varying, with: placeholder) }
        let path = "packet-filter/table-\(name).nft"
        if ProcessInfo.processInfo.environment["CNI_WRITE_TEXTS"] == "1" {
            let file = Repository.root.appending(path: "testdata").appending(path: path)
            try Data(text.utf8).write(to: file)
        }
        let expected = String(decoding: try Repository.testData(path), as: UTF8.self)
        let differences = lines(text).difference(from: lines(expected)).map { change in
            switch change {
            case .remove(let offset, let line, _): "\(offset + 1): - \(line)"
            case .insert(let offset, let line, _): "\(offset + 1): + \(line)"
            }
        }
        #expect(
            differences.isEmpty, "not as in \(path):\n\(differences.joined(separator: "\n"))", sourceLocation: location)
    }

    private func lines(_ text: String) -> [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
}
