import CNI
import TestSupport
import Testing

/// What CHECK notices, and what ADD mends.
@Suite(.needsPortLab)
struct FirewallCheckTests {
    private func parts(_ network: FirewallNetwork) throws -> [FilterPart] {
        let parts =
            network.backend == .nftables
            ? try FilterPart.parts(ofTable: "inet cni_firewall", in: network.ports.lab)
            : try FilterPart.parts(of: network.backend, in: network.ports.lab)
        // What ends a chain of iptables ends it anyway.
        return parts.filter { !"\($0)".contains("-j RETURN") }
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func eachRuleAndElementThatIsMissing(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        let network = try FirewallNetwork(ports, backend, policy: "isolated")
        let attached = try network.network.attach()
        let before = try ports.host.filterFacts("")
        var (number, count) = (0, 1)
        while number < count {
            try network.admit(prevResult: attached)
            let parts = try parts(network)
            count = parts.count
            #expect(count >= 16, "\(backend): \(parts)")
            if count == 0 { return }
            let part = parts[number]
            try ports.host.shell(part.removal)
            let answer = try network.call("CHECK", prevResult: attached)
            let said = answer.error.map { $0.message + " " + $0.details } ?? ""
            let isNamed = part.places.contains { said.contains($0) }
            #expect(!answer.isSuccess && isNamed, "\(backend), without \(part): \(answer)")
            // The next ADD puts it back.
            try network.admit(prevResult: attached)
            try network.succeed("CHECK", prevResult: attached)
            try ports.host.shell(try self.parts(network)[number].removal)
            try network.succeed("DEL", prevResult: attached)
            if try ports.host.filterFacts("") != before {
                // What nobody knows of any more goes with the next container.
                try network.admit(prevResult: attached)
                try network.succeed("DEL")
            }
            let left = try ports.host.filterFacts("")
            #expect(left == before, "\(part)")
            try FilterPart.flushEverything(ports.lab)
            number += 1
        }
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func everythingIsMissing(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try FirewallNetwork(ports, backend, policy: "same-bridge")
        let attached = [try network.network.attach(0), try network.network.attach(1)]
        let before = try ports.lab.snapshot(files: false)
        try network.admit(0, prevResult: attached[0])
        try FilterPart.flushEverything(ports.lab)
        #expect(try network.call("CHECK", 0, prevResult: attached[0]).error != nil)
        try network.admit(1, prevResult: attached[1])
        try network.succeed("DEL", 0)
        try network.succeed("CHECK", 1, prevResult: attached[1])
        try network.succeed("DEL", 1)
        expectUnchanged(before, try ports.lab.snapshot(files: false))
    }

    /// Chains stay, and lose what they say.
    @Test(arguments: PacketFilterBackend.allCases)
    func everyChainIsEmptied(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 3)
        let network = try FirewallNetwork(ports, backend, policy: "same-bridge")
        let attached = try (0...2).map { try network.network.attach($0) }
        let before = try ports.host.filterFacts("")
        for isLast in [true, false] {
            for container in 0...1 { try network.admit(container, prevResult: attached[container]) }
            try ports.host.shell(
                backend == .nftables
                    ? "nft flush table inet cni_firewall"
                    : PortFamily.allCases.map { "\(network.program($0)) -F" }.joined(separator: ";"))
            #expect(try network.call("CHECK", 0, prevResult: attached[0]).error != nil)
            if !isLast {
                try network.admit(2, prevResult: attached[2])
                try network.succeed("CHECK", 2, prevResult: attached[2])
            }
            for container in 0...2 { try network.succeed("DEL", container) }
            let left = try ports.host.filterFacts("")
            #expect(left == before, "\(backend), \(isLast)")
        }
    }

    /// Of those that always stand in the table, the one that the kernel calls, and then one that it calls.
    @Test(arguments: [["forward"], ["forward", "isolation"], ["forward", "isolation", "administrators"]])
    func aChainIsDeleted(chains: [String]) throws {
        let ports = try PortLab(containers: 2)
        let network = try FirewallNetwork(ports, .nftables, policy: "same-bridge")
        let attached = try (0...1).map { try network.network.attach($0) }
        let before = try ports.host.filterFacts("")
        try network.admit(0, prevResult: attached[0])
        let table = "inet cni_firewall"
        for chain in chains {
            try ports.host.shell("nft flush chain \(table) \(chain); nft delete chain \(table) \(chain)")
        }
        #expect(try network.call("CHECK", 0, prevResult: attached[0]).error != nil)
        // Both: who had something there, and who had not.
        for container in 0...1 {
            try network.admit(container, prevResult: attached[container])
            try network.succeed("CHECK", container, prevResult: attached[container])
        }
        for container in 0...1 { try network.succeed("DEL", container) }
        #expect(try ports.host.filterFacts("") == before)
    }

    /// What is missing of the table must not be taken for what others have in it.
    @Test(arguments: ["open", "same-bridge"], [nil, 0, 2])
    func aChainIsDeletedAndSomebodyGoes(policy: String, leaver: Int?) throws {
        let ports = try PortLab(containers: 4)
        let network = try FirewallNetwork(ports, .nftables, policy: policy)
        let attached = try (0...3).map { try network.network.attach($0) }
        let before = try ports.host.filterFacts("")
        for container in 0...1 { try network.admit(container, prevResult: attached[container]) }
        try ports.host.shell("nft flush chain inet cni_firewall forward; nft delete chain inet cni_firewall forward")
        if let leaver {
            // One that has something there, or one that never had.
            try network.succeed("DEL", leaver)
            try network.admit(3, prevResult: attached[3])
            for container in leaver == 0 ? [1, 3] : [0, 1, 3] {
                try network.succeed("CHECK", container, prevResult: attached[container])
            }
        }
        for container in 0...3 { try network.succeed("DEL", container) }
        #expect(try ports.host.filterFacts("") == before)
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func whatIsThereButNotAsAsked(backend: PacketFilterBackend) throws {
        let ports = try PortLab(containers: 2)
        let network = try FirewallNetwork(ports, backend, policy: "same-bridge")
        let attached = [try network.attach(0), try network.network.attach(1)]
        for (container, prevResult) in [(0, attached[1]), (1, attached[1])] {
            let answer = try network.call("CHECK", container, prevResult: prevResult)
            #expect(answer.error != nil, "container \(container): \(answer)")
        }
        var others = [network, network]
        others[0].policy = "isolated"
        others[1].keys = #""iptablesAdminChainName": "MY-CHAIN""#
        for other in others { #expect(try other.call("CHECK", 0, prevResult: attached[0]).error != nil) }
        try network.succeed("CHECK", 0, prevResult: attached[0])
    }

    @Test(arguments: PacketFilterBackend.allCases)
    func aPortThatIsNotIsolated(backend: PacketFilterBackend) throws {
        let ports = try PortLab()
        let network = try FirewallNetwork(ports, backend, policy: "isolated")
        let attached = try network.attach()
        let port = try #require(try network.network.bridgePort())
        try ports.host.shell("bridge link set dev \(port) isolated off")
        let answer = try network.call("CHECK", prevResult: attached)
        #expect(answer.error?.message.contains("\(port) is not isolated") == true, "\(answer)")
    }
}

extension PortNetwork {
    /// The port of the bridge that leads to the first container.
    func bridgePort() throws -> String? {
        try ports.host.links().compactMap(\.ifname).first { $0.hasPrefix("veth") }
    }
}
