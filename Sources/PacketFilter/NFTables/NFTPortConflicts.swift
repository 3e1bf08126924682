internal import NetworkAddress

/// Finds ports that are published already, before the kernel refuses them: it knows that a key is taken, but not that a port
/// on one address and the same port on every address are in each other's way, and a refusal takes it ten milliseconds.
struct NFTPortConflicts {
    private let connection: NFTConnection
    private let owner: NFTOwnerComment
    private let containerID: String

    init(_ connection: NFTConnection, _ owner: RuleOwner) {
        self.connection = connection
        self.owner = NFTOwnerComment(owner)
        containerID = owner.containerID
    }

    /// Throws where somebody else has a port.
    ///
    /// - Returns: elements that another attachment of the same container has: with several networks, a container publishes the
    ///   same ports on each, and one after the other has them.
    func resolve(_ elements: [NFTElement]) throws(PacketFilterError) -> Set<NFTElement> {
        var waiting: Set<NFTElement> = []
        var ranges: [AddressFamily: [NFTConnection.FoundElement]] = [:]
        for element in elements {
            if element.verdictChain != nil {
                if try mustWait(element, found: try connection.find(element)) { waiting.insert(element) }
            }
            guard let port = NFTPorts.published(by: element) else { continue }
            let family = port.container.family
            if ranges[family] == nil { ranges[family] = try connection.elements(of: "port_ranges_\(family)") }
            let isRange = port.mapping.hostPorts.count > 1
            let same =
                isRange
                ? ranges[family]?.first { $0.key == element.keyBytes && $0.lastKey == element.lastKeyBytes }
                : try connection.find(element)
            if try mustWait(element, found: same) {
                waiting.insert(element)
                continue
            }
            for range in ranges[family] ?? [] where range != same && isOverlap(range, "port_ranges_\(family)", port) {
                try refuse(element, because: range)
            }
            if isRange { try checkRange(element, port) } else { try checkSingle(element, port, elements) }
        }
        return waiting
    }

    /// Whether what was found is the same container's, of another attachment; throws where it is somebody else's.
    private func mustWait(
        _ element: NFTElement, found: NFTConnection.FoundElement?
    ) throws(PacketFilterError) -> Bool {
        guard let found, found.comment != owner.text else { return false }
        guard NFTOwnerComment(found.comment).owner?.containerID == containerID else {
            throw NFTOwnedTable.conflict(element, comment: found.comment)
        }
        return true
    }

    private func checkSingle(
        _ element: NFTElement, _ port: PublishedPort, _ elements: [NFTElement]
    ) throws(PacketFilterError) {
        let family = port.container.family
        let key: [NFTValue] = [.transport(port.mapping.transport), .port(port.mapping.hostPorts.lowerBound)]
        let conditional = NFTElement(set: "conditional_\(family)", key: key)
        if let found = try connection.find(conditional) { try refuse(element, because: found) }
        let isConditional = elements.contains { $0.set == conditional.set && $0.key == key }
        if port.mapping.specificHostAddress == nil || isConditional {
            // Only where there are such ports are they listed.
            let addressed = NFTElement(set: "addressed_\(family)", key: key)
            if try connection.use(ofChain: addressed.sharedChain) != nil {
                let set = "addressed_ports_\(family)"
                for found in try connection.elements(of: set)
                where isOverlap(found, set, port) || (isConditional && isSamePort(found, set, port)) {
                    try refuse(element, because: found)
                }
            }
        }
        if port.mapping.specificHostAddress != nil,
            let found = try connection.find(NFTElement(set: "ports_\(family)", key: key))
        {
            try refuse(element, because: found)
        }
    }

    /// A range is compared with everything there is.
    private func checkRange(_ element: NFTElement, _ port: PublishedPort) throws(PacketFilterError) {
        for set in ["ports_\(port.container.family)", "addressed_ports_\(port.container.family)"] {
            for found in try connection.elements(of: set) where isOverlap(found, set, port) {
                try refuse(element, because: found)
            }
        }
    }

    /// A container is not in its own way: neither on another network, nor with what it is to have no longer.
    private func refuse(_ element: NFTElement, because found: NFTConnection.FoundElement) throws(PacketFilterError) {
        if NFTOwnerComment(found.comment).owner?.containerID == containerID { return }
        throw NFTOwnedTable.conflict(element, comment: found.comment)
    }

    // Keys are compared as bytes: fields start at multiples of four.

    /// Whether an element of a set is in the way of a port.
    private func isOverlap(_ found: NFTConnection.FoundElement, _ set: String, _ port: PublishedPort) -> Bool {
        guard isSamePort(found, set, port) else { return false }
        let length = addressLength(set, port)
        let last = found.lastKey ?? found.key
        guard length > 0, let wanted = port.mapping.specificHostAddress,
            let first = IPAddress(bytes: found.key[..<length]), let end = IPAddress(bytes: last[..<length]),
            first <= end
        else { return true }
        return (first...end).contains(wanted)
    }

    /// Whether it is about one of the same ports, on whatever address.
    private func isSamePort(_ found: NFTConnection.FoundElement, _ set: String, _ port: PublishedPort) -> Bool {
        let length = addressLength(set, port)
        let last = found.lastKey ?? found.key
        guard found.key.count >= length + 8, last.count >= length + 8,
            found.key[length] == port.mapping.transport.rawValue
        else { return false }
        let (lower, upper) = (number(found.key, length + 4), number(last, length + 4))
        return lower <= upper && (lower...upper).overlaps(port.mapping.hostPorts)
    }

    private func addressLength(_ set: String, _ port: PublishedPort) -> Int {
        set.hasPrefix("ports_") ? 0 : port.container.family.bitWidth / 8
    }

    private func number(_ key: [UInt8], _ position: Int) -> UInt16 {
        UInt16(key[position]) << 8 | UInt16(key[position + 1])
    }
}
