internal import JSON
internal import NetworkAddress

/// One subnet of a new network, and which of its addresses containers get.
struct NewRange {
    let subnet: IPPrefix
    var gateway: IPAddress?
    /// Nil: all that are usable.
    var addresses: ClosedRange<IPAddress>?
    var excluded: [IPAddress] = []

    init(_ subnet: IPPrefix) {
        self.subnet = subnet
    }

    /// The subnets that a network asks for, or free ones, with what belongs to each.
    static func all(
        of network: NewNetwork, parent: String?, in surroundings: NetworkSurroundings,
        _ generator: inout some RandomNumberGenerator
    ) throws(NetworkRefusal) -> [NewRange] {
        var ranges: [NewRange] = []
        for text in network.subnets { ranges.append(try NewRange(text, after: ranges, parent, surroundings)) }
        if ranges.isEmpty { ranges.append(NewRange(try FreeSubnet.ipv4(in: surroundings))) }
        if network.hasIPv6, !ranges.contains(where: { $0.subnet.family == .ipv6 }) {
            ranges.append(NewRange(try FreeSubnet.ipv6(in: surroundings, &generator)))
        }
        for text in network.gateways { try setGateway(text, in: &ranges) }
        for text in network.ranges { try setAddresses(text, in: &ranges) }
        for text in network.auxiliaries { try exclude(text, in: &ranges) }
        return ranges
    }

    /// Reads a subnet that keeps clear of everybody else's.
    private init(
        _ text: String, after others: [NewRange], _ parent: String?, _ surroundings: NetworkSurroundings
    ) throws(NetworkRefusal) {
        guard let subnet = IPPrefix(text) else {
            throw NetworkRefusal("--subnet: expected a network such as 172.18.0.0/16, found \(JSONValue.quoted(text))")
        }
        guard subnet.isNetwork else {
            throw NetworkRefusal("--subnet \(subnet) is an address in a network: the network is \(subnet.network)")
        }
        guard subnet.length <= subnet.family.bitWidth - 2 else {
            let longest = subnet.family.bitWidth - 2
            throw NetworkRefusal(
                "--subnet \(subnet) is too small for containers: use a prefix of at most \(longest) bits")
        }
        if subnet.length == 0 || subnet.first.isMulticast || subnet.first.isLoopback || subnet.first.isLinkLocal {
            throw NetworkRefusal("--subnet \(subnet) is no network for containers: use one such as 172.18.0.0/16")
        }
        if let other = others.first(where: { $0.subnet.overlaps(subnet) }) {
            throw NetworkRefusal("--subnet \(subnet) overlaps --subnet \(other.subnet): leave one of them out")
        }
        if let holder = surroundings.holder(of: subnet, parent: parent) {
            throw NetworkRefusal(
                "subnet \(subnet) overlaps \(holder.prefix) of \(holder.holder): "
                    + "choose another one, or leave --subnet out to get a free one")
        }
        self.init(subnet)
    }

    private static func setGateway(_ text: String, in ranges: inout [NewRange]) throws(NetworkRefusal) {
        guard let gateway = IPAddress(text) else {
            throw NetworkRefusal("--gateway: expected an address such as 172.18.0.1, found \(JSONValue.quoted(text))")
        }
        let index = try place(of: gateway, "--gateway", in: ranges)
        if let other = ranges[index].gateway {
            throw NetworkRefusal(
                "--gateway \(gateway) is the second one of subnet \(ranges[index].subnet), after \(other): name one only"
            )
        }
        ranges[index].gateway = gateway
    }

    private static func setAddresses(_ text: String, in ranges: inout [NewRange]) throws(NetworkRefusal) {
        guard let part = IPPrefix(text), part.isNetwork else {
            throw NetworkRefusal(
                "--ip-range: expected a part of a subnet such as 172.18.5.0/24, found \(JSONValue.quoted(text))")
        }
        guard let index = ranges.firstIndex(where: { $0.subnet.contains(part.first) && $0.subnet.contains(part.last) })
        else {
            throw NetworkRefusal("--ip-range \(part) is not inside \(list(ranges)): choose a part of it")
        }
        let range = ranges[index]
        if range.addresses != nil {
            throw NetworkRefusal("--ip-range \(part) is the second one of subnet \(range.subnet): name one only")
        }
        let first = part.first == range.subnet.first ? part.first.next : part.first
        let last = part.family == .ipv4 && part.last == range.subnet.last ? part.last.previous : part.last
        guard let first, let last, first <= last else {
            throw NetworkRefusal("--ip-range \(part) holds no address for a container: choose a larger one")
        }
        ranges[index].addresses = first...last
    }

    private static func exclude(_ text: String, in ranges: inout [NewRange]) throws(NetworkRefusal) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, let address = IPAddress(parts[1]) else {
            throw NetworkRefusal(
                "--aux-address: expected NAME=ADDRESS, such as router=172.18.0.9, found \(JSONValue.quoted(text))")
        }
        let index = try place(of: address, "--aux-address", in: ranges)
        if !ranges[index].excluded.contains(address) { ranges[index].excluded.append(address) }
    }

    /// Which subnet has an address that a host can have.
    private static func place(
        of address: IPAddress, _ option: String, in ranges: [NewRange]
    ) throws(NetworkRefusal) -> Int {
        guard let index = ranges.firstIndex(where: { $0.subnet.contains(address) }) else {
            throw NetworkRefusal("\(option) \(address) is outside \(list(ranges)): choose an address of it")
        }
        let subnet = ranges[index].subnet
        if address == subnet.first || subnet.family == .ipv4 && address == subnet.last {
            throw NetworkRefusal("\(option) \(address) is no address of a host in \(subnet): choose another one")
        }
        return index
    }

    private static func list(_ ranges: [NewRange]) -> String {
        "subnet " + ranges.map(\.subnet.description).joined(separator: " and ")
    }

    /// The range as host-local reads it.
    var json: JSONValue {
        var range: JSONObject = ["subnet": .string("\(subnet)")]
        if let gateway = gateway ?? subnet.first.next { range["gateway"] = .string("\(gateway)") }
        if let addresses {
            range["rangeStart"] = .string("\(addresses.lowerBound)")
            range["rangeEnd"] = .string("\(addresses.upperBound)")
        }
        if !excluded.isEmpty { range["exclude"] = .array(excluded.map { .string("\($0)") }) }
        return .object(range)
    }
}
