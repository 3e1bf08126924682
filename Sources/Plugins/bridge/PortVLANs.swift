internal import JSON
internal import Netlink

/// The VLANs of a container's port: an access port has one, untagged; a trunk port has several, tagged.
struct PortVLANs: Equatable {
    /// Keys: `vlan`.
    let access: UInt16?
    /// Keys: `vlanTrunk`; ascending, without overlaps.
    let trunk: [ClosedRange<UInt16>]
    /// Keys: `preserveDefaultVlan`: whether the port stays in the VLAN that the bridge puts every port in.
    let keepsDefault: Bool
    /// The VLAN that the bridge puts every port in; nil: none.
    private(set) var bridgeDefault: UInt16? = 1

    init(_ document: JSONField) throws(JSONError) {
        let identifier: UInt16? = try document["vlan"].integer(in: 0...4094)
        access = identifier == 0 ? nil : identifier
        var trunk: [ClosedRange<UInt16>] = []
        for entry in try document["vlanTrunk"].elements() { trunk += try PortVLANs.ranges(entry) }
        self.trunk = PortVLANs.merged(trunk)
        keepsDefault = try document["preserveDefaultVlan"].bool() ?? true
        if access != nil && !trunk.isEmpty {
            throw try document["vlanTrunk"].error(expected: "no trunk beside an access VLAN")
        }
    }

    /// The same for a port of this bridge, which may put its ports in another VLAN than the kernel does by itself.
    func on(_ bridge: Link) -> PortVLANs {
        var vlans = self
        if let settings = bridge.bridge { vlans.bridgeDefault = settings.defaultVLAN }
        return vlans
    }

    /// The key that asks for VLANs, where one does.
    var key: String { access == nil ? "vlanTrunk" : "vlan" }

    var isEmpty: Bool { access == nil && trunk.isEmpty }

    /// What to add to the port.
    var additions: [BridgeVLAN] {
        if let access { return [BridgeVLAN(access...access, isPortDefault: true, isUntagged: true)] }
        return trunk.map { BridgeVLAN($0) }
    }

    /// What to take from the port first.
    var removals: [BridgeVLAN] {
        guard !isEmpty, !keepsDefault, let bridgeDefault else { return [] }
        return [BridgeVLAN(bridgeDefault...bridgeDefault, isPortDefault: true, isUntagged: true)]
    }

    /// Whether the port of a bridge has what ``additions`` and ``removals`` made of it.
    func isServed(by found: [BridgeVLAN]) -> Bool {
        let untagged = Set(found.filter(\.isUntagged).flatMap { Array($0.identifiers) })
        let all = Set(found.flatMap { Array($0.identifiers) })
        let portDefault = found.first(where: \.isPortDefault)?.identifiers.lowerBound
        if let access, !untagged.contains(access) || portDefault != access { return false }
        guard trunk.allSatisfy({ $0.allSatisfy(all.contains) }) else { return false }
        let wanted = additions.flatMap { Array($0.identifiers) }
        return removals.map(\.identifiers.lowerBound).allSatisfy { wanted.contains($0) || !all.contains($0) }
    }

    /// One entry of `vlanTrunk`: `{"id": 5}` or `{"minID": 10, "maxID": 20}`, or both.
    private static func ranges(_ entry: JSONField) throws(JSONError) -> [ClosedRange<UInt16>] {
        let limits: ClosedRange<UInt16> = 1...4094
        let least = try entry["minID"].integer(in: limits)
        let greatest = try entry["maxID"].integer(in: limits)
        let single = try entry["id"].integer(in: limits)
        var ranges = single.map { [$0...$0] } ?? []
        switch (least, greatest) {
        case (let least?, let greatest?):
            guard least <= greatest else {
                throw try entry["minID"].error(expected: "at most maxID, which is \(greatest)")
            }
            ranges.append(least...greatest)
        case (nil, nil): break
        case (nil, _): throw try entry["minID"].error(expected: "a VLAN beside maxID")
        case (_, nil): throw try entry["maxID"].error(expected: "a VLAN beside minID")
        }
        if ranges.isEmpty { throw entry.error(expected: "id, or minID and maxID") }
        return ranges
    }

    private static func merged(_ ranges: [ClosedRange<UInt16>]) -> [ClosedRange<UInt16>] {
        ranges.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { merged, range in
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
    }
}
