internal import CNI
internal import CNIPlugin
internal import NetworkAddress

/// A zone of firewalld, in which containers' addresses are sources: what the zone allows, they may.
struct FirewallZone {
    private let name: String
    private let firewalld: any FirewallService

    init(_ name: String, of firewalld: any FirewallService) {
        self.name = name
        self.firewalld = firewalld
    }

    /// Puts addresses in. One that is there already stays there when ADD fails.
    func add(_ addresses: [IPAddress], _ rollback: Rollback) throws {
        for address in addresses where try !firewalld.contains(address, in: name) {
            try firewalld.add(address, to: name)
            rollback.onFailure("remove \(address) from the zone \(name)") { try firewalld.remove(address, from: name) }
        }
    }

    /// Takes addresses out, whatever fails with one of them.
    func remove(_ addresses: [IPAddress]) throws {
        var teardown = Teardown()
        for address in addresses { teardown.step { try firewalld.remove(address, from: name) } }
        try teardown.finish()
    }

    func check(_ addresses: [IPAddress]) throws {
        for address in addresses where try !firewalld.contains(address, in: name) {
            throw CNIError(.failed, "firewalld: \(address) is not in the zone \(name)")
        }
    }
}
