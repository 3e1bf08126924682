internal import CNI
internal import JSON
internal import NetworkAddress
internal import PacketFilter
internal import PacketFilterSetup

/// The keys of a network configuration that the portmap plugin understands, checked.
struct PortmapConfiguration: Equatable {
    let mappings: [PortMapping]
    /// Where in the configuration each of the mappings stands.
    private let paths: [JSONPath]
    /// Nil: what suits the host.
    let backend: PacketFilterBackendName?
    let sourceTranslation: PortForwarding.SourceTranslation
    let mark: PortForwarding.Mark
    let conditions: [RuleCondition]

    init(_ request: RequestConfiguration) throws {
        let document = request.document
        let translates = try document["snat"].bool() ?? true
        let everything = try document["masqAll"].bool() ?? false
        sourceTranslation = translates ? (everything ? .always : .whereNeeded) : .never
        mark = try PortmapConfiguration.mark(document)
        conditions =
            try document["conditionsV4"].ruleConditions(.ipv4) + document["conditionsV6"].ruleConditions(.ipv6)
        backend = try document["backend"].packetFilterBackend()
        var mappings: [PortMapping] = []
        var paths: [JSONPath] = []
        for entry in try document["runtimeConfig"]["portMappings"].elements() {
            let mapping = try PortMapping(entry)
            // The same mapping given twice is one.
            if mappings.contains(mapping) { continue }
            if let other = mappings.first(where: { $0.overlaps(mapping) }) {
                throw try entry["hostPort"].error(
                    expected: "a port that no other mapping of this container has; \(other) is taken")
            }
            mappings.append(mapping)
            paths.append(entry.path)
        }
        self.mappings = mappings
        self.paths = paths
    }

    /// Where in the configuration a key of a mapping stands: `runtimeConfig.portMappings[2].hostPort`.
    func path(ofMapping position: Int, _ key: String) -> JSONPath { paths[position].appending(key: key) }

    private static func mark(_ document: JSONField) throws(JSONError) -> PortForwarding.Mark {
        let bit: UInt8? = try document["markMasqBit"].integer(in: 0...31)
        let chain = try document["externalSetMarkChain"].text("the name of a chain (\(ChainName.rule))") {
            ChainName($0)?.description
        }
        guard let chain else { return .bit(bit ?? 13) }
        if bit != nil {
            throw try document["externalSetMarkChain"].error(expected: "no chain beside markMasqBit")
        }
        return .externalChain(chain)
    }

    /// The addresses of the container: the first of each family that belongs to an interface in the sandbox.
    func containers(in result: AttachmentResult) throws(CNIError) -> [IPPrefix] {
        let inside = result.ips.filter { ip in
            guard let interface = ip.interface, result.interfaces.indices.contains(interface) else { return true }
            return result.interfaces[interface].sandbox?.isEmpty == false
        }
        let containers = AddressFamily.allCases.compactMap { family in
            inside.first { $0.address.family == family }?.address
        }
        guard !containers.isEmpty else {
            throw CNIError(
                .invalidConfiguration,
                "prevResult.ips: expected an address of the container to publish ports of, found none")
        }
        let families = containers.map(\.family)
        for (position, mapping) in mappings.enumerated() where !families.contains(where: mapping.concerns) {
            // Some runtimes ask for every address of each family, whatever the container has.
            let isHalf =
                mapping.specificHostAddress == nil
                && mappings.contains { other in
                    other.transport == mapping.transport && other.hostPorts == mapping.hostPorts
                        && families.contains(where: other.concerns)
                }
            if isHalf { continue }
            let address = mapping.hostAddress.map { "\($0)" } ?? "none"
            throw CNIError(
                .invalidConfiguration,
                "\(path(ofMapping: position, "hostIP")): expected an address of a family that the container has, found \(address)"
            )
        }
        return containers
    }
}

extension PortMapping {
    /// One entry of `runtimeConfig.portMappings`.
    fileprivate init(_ entry: JSONField) throws(JSONError) {
        let limits: ClosedRange<UInt16> = 1...65535
        let expected = "a port from 1 to 65535"
        let first: UInt16 = try entry["hostPort"].required(expected) { field throws(JSONError) in
            try field.integer(in: limits)
        }
        let container: UInt16 = try entry["containerPort"].required(expected) { field throws(JSONError) in
            try field.integer(in: limits)
        }
        let transport =
            try entry["protocol"].text("\"tcp\", \"udp\" or \"sctp\"", TransportProtocol.init(name:)) ?? .tcp
        let address = try entry["hostIP"].text("an IPv4 or IPv6 address of the host") { IPAddress($0) }
        if let address, address.isMulticast || address.isBroadcast || (address.isLoopback && address.family == .ipv6) {
            // The kernel routes packets of ::1 nowhere but to the host itself.
            throw try entry["hostIP"].error(expected: "an address of the host by which a container can be reached")
        }
        let count: UInt16 = try entry["range"].integer(in: 0...65535) ?? 1
        let last = UInt32(first) + UInt32(max(count, 1)) - 1
        guard let last = UInt16(exactly: last) else {
            throw try entry["range"].error(expected: "a number of ports that ends at 65535")
        }
        if last > first && container != first {
            throw try entry["containerPort"].error(expected: "the same as hostPort, because a range keeps its ports")
        }
        self.init(transport, hostAddress: address, hostPorts: first...last, containerPort: container)
    }
}
