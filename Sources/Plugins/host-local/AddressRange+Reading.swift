internal import CNI
internal import JSON
internal import NetworkAddress

extension AddressRange {
    /// Reads `subnet`, `rangeStart`, `rangeEnd`, `gateway` and `exclude` of the object here.
    init(_ field: JSONField) throws {
        let network = "a network such as 10.1.0.0/16"
        let subnet: IPPrefix = try field["subnet"].required(network) { field throws(JSONError) in
            try field.text(network) { IPPrefix($0) }
        }
        let start = try field["rangeStart"].address()
        let end = try field["rangeEnd"].address()
        let gateway = try field["gateway"].address()
        let excluded = try field["exclude"].elements().map { field throws(JSONError) in
            let expected = "an address or a network of \(subnet)"
            return try field.required(expected) { field throws(JSONError) in
                try field.text(expected) { text in IPPrefix(text) ?? IPAddress(text).map { IPPrefix(only: $0) } }
            }
        }
        do throws(Failure) {
            try self.init(subnet: subnet, start: start, end: end, gateway: gateway, excluded: excluded)
        } catch {
            throw try AddressRange.explain(error, field, subnet)
        }
    }

    private static func explain(_ failure: Failure, _ field: JSONField, _ subnet: IPPrefix) throws(JSONError)
        -> JSONError
    {
        switch failure {
        case .subnetHasHostBits:
            try field["subnet"].error(expected: "a network without host bits: \(subnet.network)")
        case .subnetTooSmall:
            try field["subnet"].error(
                expected:
                    "a network of at least four addresses (a prefix of at most \(subnet.family.bitWidth - 2) bits)")
        case .startOutside: try field["rangeStart"].error(expected: "an address of \(subnet)")
        case .endOutside: try field["rangeEnd"].error(expected: "an address of \(subnet)")
        case .startAfterEnd:
            try field["rangeEnd"].error(
                expected:
                    "a usable address at or after the start of the range, \(try field["rangeStart"].string() ?? "which is the network's first")"
            )
        case .excludedOutside(let index):
            try field["exclude"].elements()[index].error(expected: "an address or a network of \(subnet)")
        case .gatewayOfOtherFamily: try field["gateway"].error(expected: "an address of the family of \(subnet)")
        }
    }
}

extension RangeSet {
    /// Reads an array of ranges.
    init(_ field: JSONField) throws {
        let elements = try field.elements()
        try self.init(try elements.map { try AddressRange($0) }, at: elements, of: field)
    }

    /// Checks ranges that were read from `places`, which lie in `field`.
    init(_ ranges: [AddressRange], at places: [JSONField], of field: JSONField) throws(JSONError) {
        do throws(Failure) {
            try self.init(ranges)
        } catch {
            switch error {
            case .empty: throw field.error(expected: "an array of at least one range")
            case .mixedFamilies(let index):
                throw JSONError(
                    path: places[index].path,
                    expected: "a range of the family of the others in its set (\(ranges[0].subnet))",
                    found: "\(ranges[index].subnet)")
            case .overlap(let one, let other):
                throw JSONError(
                    path: places[other].path, expected: "a range apart from \(ranges[one]) (\(places[one].path))",
                    found: "\(ranges[other])")
            }
        }
    }
}
