import Foundation
import JSON
import NetworkAddress
import PacketFilter
import TestSupport

/// Intents as rows of `testdata/packet-filter` write them. What a row leaves out has a value that suits most.
extension JSONField {
    /// The rows of a file of `testdata/packet-filter`, each made into something. A file that cannot be read ends the run.
    static func rows<Row>(of file: String, _ read: (JSONField) throws -> Row) -> [Row] {
        do {
            let data = try Repository.testData("packet-filter/" + file)
            return try JSONField(try JSONValue(parsing: Array(data))).elements().map(read)
        } catch {
            fatalError("\(file): \(error)")
        }
    }

    /// The strings of the array here.
    func texts() throws -> [String] { try elements().compactMap { try $0.string() } }

    func owner() throws -> RuleOwner {
        RuleOwner(
            network: try self["network"].string() ?? "net", containerID: try self["containerID"].string() ?? "c1",
            interfaceName: "eth0")
    }

    func portForwarding() throws -> PortForwarding {
        var forwarding = PortForwarding(
            owner: try owner(), mappings: try self["mappings"].elements().map { try $0.mapping() },
            containers: try self["containers"].elements().map { try $0.prefix() },
            conditions: try self["conditions"].elements().map { try $0.condition() }, link: try self["link"].string())
        switch try self["sourceTranslation"].string() {
        case "never": forwarding.sourceTranslation = .never
        case "always": forwarding.sourceTranslation = .always
        default: break
        }
        if let bit = try self["markBit"].integer(in: 0...UInt8(31)) { forwarding.mark = .bit(bit) }
        if let chain = try self["markChain"].string() { forwarding.mark = .externalChain(chain) }
        return forwarding
    }

    func masquerading() throws -> Masquerading {
        Masquerading(
            owner: try owner(), addresses: try self["addresses"].elements().map { try $0.prefix() },
            link: try self["link"].string() ?? "cni0")
    }

    func admission() throws -> ContainerAdmission {
        var policy = ContainerAdmission.IngressPolicy.open
        if let bridge = try self["sameBridge"].string() { policy = .sameBridge(bridge) }
        if let bridge = try self["isolated"].string() { policy = .isolated(bridge) }
        return ContainerAdmission(
            owner: try owner(), addresses: try self["addresses"].texts().compactMap { IPAddress($0) }, policy: policy,
            adminChain: try self["adminChain"].text("a chain", ChainName.init) ?? .administrators)
    }

    func pinning() throws -> LinkPinning {
        let addresses = try self["addresses"]
        return LinkPinning(
            owner: try owner(), link: try self["link"].string() ?? "veth1",
            mac: try self["mac"].required("a hardware address") { field throws(JSONError) in
                try field.text("a hardware address", MACAddress.init)
            },
            addresses: addresses.isAbsent ? nil : try addresses.texts().compactMap { IPAddress($0) })
    }

    private func prefix() throws -> IPPrefix {
        try required("a prefix") { field throws(JSONError) in try field.text("a prefix", IPPrefix.init) }
    }

    private func mapping() throws -> PortMapping {
        let ports = try self["hostPorts"].elements().compactMap { try $0.integer(in: 1...UInt16.max) }
        return PortMapping(
            try self["protocol"].required("a protocol") { field throws(JSONError) in
                try field.text("a protocol", TransportProtocol.init(name:))
            },
            hostAddress: IPAddress(try self["hostAddress"].string() ?? ""), hostPorts: ports[0]...ports[1],
            containerPort: try self["containerPort"].integer(in: 1...UInt16.max) ?? 0)
    }

    private func condition() throws -> RuleCondition {
        let family = AddressFamily(rawValue: try self["family"].integer(in: 4...UInt8(6)) ?? 4) ?? .ipv4
        let isNegated = try self["not"].bool() ?? false
        if let prefix = IPPrefix(try self["source"].string() ?? "") {
            return RuleCondition(family, .source(prefix), isNegated: isNegated)
        }
        if let prefix = IPPrefix(try self["destination"].string() ?? "") {
            return RuleCondition(family, .destination(prefix), isNegated: isNegated)
        }
        return RuleCondition(family, .inputLink(try self["inputLink"].string() ?? ""), isNegated: isNegated)
    }
}
