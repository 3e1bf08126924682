import Foundation
import TestSupport
import Testing

/// A network whose chain is `bridge`, `portmap` and `firewall`, in a ``PortLab``.
struct FirewallNetwork {
    /// The plugins before the firewall.
    var network: PortNetwork
    /// The value of `ingressPolicy`; nil leaves it out.
    var policy: String?
    /// Further keys of the plugin, as JSON members.
    var keys = ""
    /// Further variables of its environment.
    var variables: [String: String] = [:]

    var ports: PortLab { network.ports }
    var backend: PacketFilterBackend { network.backend }

    /// A network of both families; another number makes another bridge with other addresses.
    init(
        _ ports: PortLab, _ backend: PacketFilterBackend, number: Int = 1, policy: String? = nil,
        version: String = "1.1.0"
    ) throws {
        network = try PortNetwork(ports, backend, number: number, version: version)
        self.policy = policy
    }

    func address(_ family: PortFamily, ofAttachment number: Int = 0) -> String {
        network.address(family, ofAttachment: number)
    }

    func configuration(prevResult: String? = nil, members: String = "") -> String {
        var parts = [#""cniVersion": "\#(network.bridge.version)", "name": "\#(network.name)", "type": "firewall""#]
        if let key = network.backendKey { parts.append(#""backend": "\#(key)""#) }
        if let policy { parts.append(#""ingressPolicy": "\#(policy)""#) }
        if !keys.isEmpty { parts.append(keys) }
        if let prevResult { parts.append(#""prevResult": "# + prevResult) }
        if !members.isEmpty { parts.append(members) }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    /// Calls the firewall plugin.
    ///
    /// - Parameter sandbox: CNI_NETNS; empty leaves it out.
    func call(
        _ command: String, _ container: Int = 0, prevResult: String? = nil, members: String = "",
        sandbox: String? = nil, plugin: String = "firewall"
    ) throws -> Lab.Answer {
        var variables = variables
        variables["PATH"] = network.path
        if let sandbox { variables["CNI_NETNS"] = sandbox }
        return try ports.lab.call(
            plugin, command, configuration(prevResult: prevResult, members: members),
            sandbox: ports.containers[container].path, containerID: network.containerID(container),
            variables: variables, timeout: 60)
    }

    /// ADD, which must succeed and answer with its prevResult.
    func admit(_ container: Int = 0, prevResult: String, at location: SourceLocation = #_sourceLocation) throws {
        let answer = try call("ADD", container, prevResult: prevResult)
        try #require(answer.isSuccess, "\(backend): ADD: \(answer)", sourceLocation: location)
        let (printed, given) = (Data(answer.outcome.output), Data(prevResult.utf8))
        let isSame = try (JSONSerialization.jsonObject(with: printed) as? NSObject)?
            .isEqual(JSONSerialization.jsonObject(with: given))
        #expect(isSame == true, "prevResult is passed on: \(answer)", sourceLocation: location)
    }

    /// ADD of the bridge and of the firewall, which must succeed: the result.
    @discardableResult
    func attach(_ container: Int = 0, at location: SourceLocation = #_sourceLocation) throws -> String {
        let attached = try network.attach(container)
        try admit(container, prevResult: attached, at: location)
        return attached
    }

    /// A command that must succeed and print nothing.
    func succeed(
        _ command: String, _ container: Int = 0, prevResult: String? = nil, members: String = "",
        sandbox: String? = nil, plugin: String = "firewall", at location: SourceLocation = #_sourceLocation
    ) throws {
        let answer = try call(
            command, container, prevResult: prevResult, members: members, sandbox: sandbox, plugin: plugin)
        #expect(
            answer.isSuccess && answer.outcome.output.isEmpty, "\(backend): \(command): \(answer)",
            sourceLocation: location)
    }

    // MARK: The administrator

    /// Appends a rule to the chain of the administrator: packets between two addresses get a verdict, in both directions.
    func administrate(_ verdict: String, _ one: String, _ other: String, _ family: PortFamily) throws {
        for (source, destination) in [(one, other), (other, one)] {
            switch backend {
            case .nftables:
                let word = family == .ipv4 ? "ip" : "ip6"
                try ports.host.shell(
                    "nft add rule inet cni_firewall CNI-ADMIN \(word) saddr \(source) \(word) daddr \(destination) \(verdict.lowercased())"
                )
            default:
                try ports.host.shell(
                    "\(program(family)) -A CNI-ADMIN -s \(source) -d \(destination) -j \(verdict.uppercased())")
            }
        }
    }

    /// Empties the chain of the administrator.
    func stopAdministrating() throws {
        for family in PortFamily.allCases {
            try ports.host.shell(
                backend == .nftables
                    ? "nft flush chain inet cni_firewall CNI-ADMIN" : "\(program(family)) -F CNI-ADMIN")
        }
    }

    /// iptables of the backend's kind.
    func program(_ family: PortFamily) -> String {
        (family == .ipv4 ? "ip" : "ip6") + "tables-" + (backend == .iptablesLegacy ? "legacy" : "nft")
    }

    /// What nobody has made a rule for is dropped; only of iptables.
    func dropByDefault() throws {
        for family in PortFamily.allCases { try ports.host.shell("\(program(family)) -P FORWARD DROP") }
    }
}
