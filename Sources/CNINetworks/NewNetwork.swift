internal import CNI
public import JSON
internal import MessageDigest
internal import NetworkAddress

/// A network as somebody asks for it, in the words of the command line.
public struct NewNetwork: Equatable, Sendable {
    /// What makes the links of containers.
    public enum Driver: String, CaseIterable, Sendable {
        case bridge
        case macvlan
    }

    /// What keeps the rules.
    public enum Backend: String, CaseIterable, Sendable {
        case iptables
        case nftables
    }

    public var name: String
    public var driver = Driver.bridge
    public var subnets: [String] = []
    public var gateways: [String] = []
    public var ranges: [String] = []
    /// Whether there is an IPv6 network, chosen where no subnet is one.
    public var hasIPv6 = false
    /// Whether containers reach nobody but each other and the host.
    public var isInternal = false
    /// `name=address` each.
    public var auxiliaries: [String] = []
    /// `key=value` each.
    public var options: [String] = []
    public var backend: Backend?
    public var parent: String?

    public init(name: String) {
        self.name = name
    }

    /// The names of networks that need no file.
    public static let builtIn = ["host", "none"]

    /// The name of the file that describes the network.
    public var fileName: String { "\(name).conflist" }

    /// The configuration that says what was asked for, with what was left open chosen.
    public func configuration(
        in surroundings: NetworkSurroundings, _ generator: inout some RandomNumberGenerator
    ) throws(NetworkRefusal) -> JSONObject {
        try checkName(surroundings)
        let options = try NetworkDriverOptions(self)
        if driver == .macvlan { try checkParent(options.parent, surroundings) }
        let ranges = try NewRange.all(of: self, parent: options.parent, in: surroundings, &generator)
        let plugins: [JSONValue] =
            switch driver {
            case .bridge: try bridgePlugins(options, ranges, surroundings)
            case .macvlan: [macvlanPlugin(options, ranges)]
            }
        return [
            "cniVersion": "1.0.0", "cniVersions": ["1.0.0", "1.1.0"], "name": .string(name),
            "plugins": .array(plugins),
        ]
    }

    private func checkName(_ surroundings: NetworkSurroundings) throws(NetworkRefusal) {
        if NewNetwork.builtIn.contains(name) {
            throw NetworkRefusal("network \(name) is always there and cannot be created: choose another name")
        }
        guard Names.isIdentifier(name), name.utf8.count <= 200 else {
            throw NetworkRefusal(
                "\(JSONValue.quoted(name)) is no name of a network: use \(Names.identifierRule), 200 characters at most"
            )
        }
        if let file = surroundings.files[name] {
            throw NetworkRefusal(
                "there is already a network \"\(name)\" (\(file)): choose another name, or remove it first")
        }
    }

    private func checkParent(_ parent: String?, _ surroundings: NetworkSurroundings) throws(NetworkRefusal) {
        let links = surroundings.links.filter { $0 != "lo" }
        let known = links.isEmpty ? "none" : links.joined(separator: ", ")
        guard let parent else {
            throw NetworkRefusal("a macvlan network is on a link of the host: name it with --parent (\(known))")
        }
        guard surroundings.links.contains(parent) else {
            throw NetworkRefusal("there is no link \(JSONValue.quoted(parent)) for --parent: the host has \(known)")
        }
    }

    /// What containers may choose: addresses, which are host-local's business, and the hardware address.
    private static let choices: JSONValue = ["ips": true, "mac": true]

    private func bridgePlugins(
        _ options: NetworkDriverOptions, _ ranges: [NewRange], _ surroundings: NetworkSurroundings
    ) throws(NetworkRefusal) -> [JSONValue] {
        let longest = 15 - (options.vlan.map { ".\($0)".utf8.count } ?? 0)
        var bridge: JSONObject = [
            "type": "bridge", "bridge": .string(bridgeName(longest, surroundings)),
            (isInternal ? "isGateway" : "isDefaultGateway"): true, "ipMasq": .bool(!isInternal), "hairpinMode": true,
            "capabilities": NewNetwork.choices,
        ]
        if let backend, !isInternal { bridge["ipMasqBackend"] = .string(backend.rawValue) }
        if let mtu = options.mtu { bridge["mtu"] = .integer(Int64(mtu)) }
        if let vlan = options.vlan { bridge["vlan"] = .integer(Int64(vlan)) }
        bridge["ipam"] = ["type": "host-local", "ranges": .array(ranges.map { .array([$0.json]) })]
        var portmap: JSONObject = ["type": "portmap", "capabilities": ["portMappings": true]]
        var firewall: JSONObject = ["type": "firewall"]
        if options.isolates { firewall["ingressPolicy"] = "same-bridge" }
        if let backend {
            portmap["backend"] = .string(backend.rawValue)
            firewall["backend"] = .string(backend.rawValue)
        }
        return [.object(bridge), .object(portmap), .object(firewall), ["type": "tuning"]]
    }

    private func macvlanPlugin(_ options: NetworkDriverOptions, _ ranges: [NewRange]) -> JSONValue {
        var macvlan: JSONObject = [
            "type": "macvlan", "master": .string(options.parent ?? ""), "capabilities": NewNetwork.choices,
        ]
        if options.hasHostShim { macvlan["hostShim"] = true }
        if let mode = options.mode { macvlan["mode"] = .string(mode) }
        if let mtu = options.mtu { macvlan["mtu"] = .integer(Int64(mtu)) }
        var ipam: JSONObject = ["type": "host-local", "ranges": .array(ranges.map { .array([$0.json]) })]
        if !isInternal {
            let families = Set(ranges.map(\.subnet.family)).sorted()
            ipam["routes"] = .array(families.map { ["dst": .string("\(IPPrefix.everything($0))")] })
        }
        macvlan["ipam"] = .object(ipam)
        return .object(macvlan)
    }

    /// `cni-` and the name where that fits, else `cni-` and digits made from the name: nobody else's.
    private func bridgeName(_ longest: Int, _ surroundings: NetworkSurroundings) -> String {
        let taken = Set(surroundings.links + surroundings.bridges)
        var candidate = "cni-\(name)"
        var attempt = 0
        while candidate.utf8.count > longest || taken.contains(candidate) {
            let text = attempt == 0 ? name : "\(name) \(attempt)"
            candidate = "cni-" + String(SHA512.hexadecimal(of: text, bytes: 5).prefix(longest - 4))
            attempt += 1
        }
        return candidate
    }
}
