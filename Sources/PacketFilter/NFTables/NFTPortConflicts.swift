internal import NetworkAddress

/// Finds ports that are published already where the kernel does not see it by itself: it knows that a key is taken, but not
/// that a port on one address and the same port on every address are in each other's way.
struct NFTPortConflicts {
    private let connection: NFTConnection
    /// What the owner has itself.
    private let own: Set<NFTElement>

    init(_ connection: NFTConnection, own: [NFTElement]) {
        self.connection = connection
        self.own = Set(own)
    }

    func check(_ elements: [NFTElement]) throws(PacketFilterError) {
        var ranges: [AddressFamily: [NFTConnection.FoundElement]] = [:]
        for element in elements {
            guard let port = NFTPorts.published(by: element), !own.contains(element) else { continue }
            let family = port.container.family
            if ranges[family] == nil { ranges[family] = try connection.elements(of: "port_ranges_\(family)") }
            if port.mapping.hostPorts.count > 1 {
                try check(range: element, port, family)
            } else {
                try check(single: element, port, family, ranges[family] ?? [])
            }
        }
    }

    private func check(
        single element: NFTElement, _ port: PublishedPort, _ family: AddressFamily,
        _ ranges: [NFTConnection.FoundElement]
    ) throws(PacketFilterError) {
        let key: [NFTValue] = [.transport(port.mapping.transport), .port(port.mapping.hostPorts.lowerBound)]
        if port.mapping.specificHostAddress == nil {
            // Only where there are such ports are they listed.
            let addressed = NFTElement(set: "addressed_\(family)", key: key)
            if try connection.use(ofChain: addressed.sharedChain) != nil {
                try check(element, against: "addressed_ports_\(family)", port)
            }
        } else if let found = try connection.find(NFTElement(set: "ports_\(family)", key: key)) {
            try refuse(element, because: found)
        }
        for range in ranges where isOverlap(range, "port_ranges_\(family)", port) {
            try refuse(element, because: range)
        }
    }

    /// A range is compared with everything there is; ranges with each other by the kernel.
    private func check(range element: NFTElement, _ port: PublishedPort, _ family: AddressFamily) throws(PacketFilterError) {
        try check(element, against: "ports_\(family)", port)
        try check(element, against: "addressed_ports_\(family)", port)
    }

    private func check(_ element: NFTElement, against set: String, _ port: PublishedPort) throws(PacketFilterError) {
        for found in try connection.elements(of: set) where isOverlap(found, set, port) {
            try refuse(element, because: found)
        }
    }

    private func refuse(_ element: NFTElement, because found: NFTConnection.FoundElement) throws(PacketFilterError) {
        if own.contains(where: { $0.keyBytes == found.key && $0.dataBytes == found.data }) { return }
        throw NFTOwnedTable.conflict(element, comment: found.comment)
    }

    /// Whether an element of a set is in the way of a port. Keys are compared as bytes: fields start at multiples of four.
    private func isOverlap(_ found: NFTConnection.FoundElement, _ set: String, _ port: PublishedPort) -> Bool {
        let mapping = port.mapping
        let hasAddress = !set.hasPrefix("ports_")
        let addressLength = hasAddress ? port.container.family.bitWidth / 8 : 0
        let last = found.lastKey ?? found.key
        guard found.key.count >= addressLength + 8, last.count >= addressLength + 8,
            found.key[addressLength] == mapping.transport.rawValue
        else { return false }
        let ports = number(found.key, addressLength + 4)...max(
            number(found.key, addressLength + 4), number(last, addressLength + 4))
        guard ports.overlaps(mapping.hostPorts) else { return false }
        guard hasAddress, let wanted = mapping.specificHostAddress,
            let first = IPAddress(bytes: found.key[..<addressLength]), let end = IPAddress(bytes: last[..<addressLength]),
            first <= end
        else { return true }
        return (first...end).contains(wanted)
    }

    private func number(_ key: [UInt8], _ position: Int) -> UInt16 { UInt16(key[position]) << 8 | UInt16(key[position + 1]) }
}
