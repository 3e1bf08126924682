internal import CNI
internal import JSON
internal import NetworkAddress

/// What a request says to this plugin, checked.
struct HostLocalConfiguration: Equatable, Sendable {
    let location: LeaseLocation
    /// In the order in which their addresses stand in the result: those of the runtime, then the old-style single
    /// range, then `ranges`.
    let sets: [RangeSet]
    /// For each set the requested address, if there is one.
    let requested: [IPAddress?]
    let routes: [AttachmentResult.Route]
    /// The file whose name servers and search domains go into the result.
    let resolverFile: String?

    /// The gateways of all ranges, which are never handed out.
    var gateways: Set<IPAddress> { Set(sets.flatMap { $0.ranges.map(\.gateway) }) }

    init(_ configuration: RequestConfiguration, arguments: CNIArguments = .none) throws {
        let document = configuration.document
        let ipam = try document["ipam"]
        location = try LeaseLocation(configuration)
        sets = try HostLocalConfiguration.sets(ipam, document["runtimeConfig"]["ipRanges"], configuration.version)
        requested = try HostLocalConfiguration.requested(document, arguments, sets)
        routes = try ipam["routes"].elements().map { field in
            // The keys of version 1.1 are checked even where an older version only hands them on.
            _ = try AttachmentResult.Route(field, version: .latest)
            return try AttachmentResult.Route(field, version: configuration.version)
        }
        resolverFile = try ipam["resolvConf"].text("the path of a file") { $0 }
    }

    private static func sets(
        _ ipam: JSONField, _ runtimeRanges: JSONField, _ version: SpecificationVersion
    ) throws -> [RangeSet] {
        var found: [(set: RangeSet, field: JSONField)] = []
        for field in try runtimeRanges.elements() { found.append((try RangeSet(field), field)) }
        if try ipam["subnet"].text("a network such as 10.1.0.0/16", { $0 }) != nil {
            found.append((try RangeSet([try AddressRange(ipam)], at: [ipam], of: ipam), try ipam["subnet"]))
        }
        for field in try ipam["ranges"].elements() { found.append((try RangeSet(field), field)) }

        guard !found.isEmpty else {
            throw try ipam["ranges"].error(expected: "at least one set of ranges, or ipam.subnet")
        }
        for (index, (set, field)) in found.enumerated() {
            if let other = found[..<index].first(where: { $0.set.overlaps(set) }) {
                throw JSONError(
                    path: field.path, expected: "ranges apart from \(other.set) (\(other.field.path))", found: "\(set)")
            }
            if !version.hasInterfaces, found[..<index].contains(where: { $0.set.family == set.family }) {
                throw JSONError(
                    path: field.path, expected: "one address of each family, as cniVersion \(version) allows no more",
                    found: "\(set)")
            }
        }
        return found.map(\.set)
    }

    /// Sorts the addresses that are asked for to the sets that hold them.
    private static func requested(
        _ document: JSONField, _ arguments: CNIArguments, _ sets: [RangeSet]
    ) throws -> [IPAddress?] {
        let inArguments = JSONField(arguments["IP"].map(JSONValue.string), path: JSONPath("CNI_ARGS.IP"))
        let fields =
            try [inArguments] + document["args"]["cni"]["ips"].elements()
            + document["runtimeConfig"]["ips"].elements()
        var requested = [IPAddress?](repeating: nil, count: sets.count)
        for field in fields {
            let address = try field.text("an address, with or without a prefix length") {
                IPPrefix($0)?.address ?? IPAddress($0)
            }
            guard let address else { continue }
            guard let index = sets.firstIndex(where: { $0.contains(address) }) else {
                let known = sets.map(\.description).joined(separator: ", ")
                throw JSONError(path: field.path, expected: "an address of \(known)", found: "\(address)")
            }
            if let gateway = sets[index].ranges.first(where: { $0.gateway == address })?.gateway {
                throw JSONError(path: field.path, expected: "an address other than the gateway", found: "\(gateway)")
            }
            if let excluded = sets[index].range(of: address)?.excluded.first(where: { $0.contains(address) }) {
                let what = excluded == IPPrefix(only: address) ? "\(address)" : "\(excluded)"
                throw JSONError(
                    path: field.path, expected: "an address that is not excluded, as \(what) is", found: "\(address)")
            }
            if let other = requested[index], other != address {
                throw JSONError(
                    path: field.path, expected: "one address of \(sets[index]), where \(other) is requested too",
                    found: "\(address)")
            }
            requested[index] = address
        }
        return requested
    }
}
