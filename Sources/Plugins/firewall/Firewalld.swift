internal import CNI
internal import DBus
internal import NetworkAddress

/// firewalld, by the message bus of the system.
final class Firewalld: FirewallService {
    private static let zones = SystemBus.Object(
        service: "org.fedoraproject.FirewallD1", path: "/org/fedoraproject/FirewallD1",
        interface: "org.fedoraproject.FirewallD1.zone")

    /// One connection serves the whole command.
    private var connection: SystemBus?

    private func bus() throws(DBusError) -> SystemBus {
        if let connection { return connection }
        let made = try SystemBus()
        connection = made
        return made
    }

    /// Where there is no bus, there is no firewalld.
    func isRunning() throws(CNIError) -> Bool {
        do throws(DBusError) { return try bus().hasOwner(Firewalld.zones.service) } catch {
            guard error.isTimeout else { return false }
            throw CNIError(
                .tryAgainLater, "whether firewalld runs is not known: the message bus of the system does not answer",
                details: "a \"backend\" other than \"firewalld\" in the configuration does without")
        }
    }

    func add(_ address: IPAddress, to zone: String) throws {
        try call("addSource", zone, address, "add \(address) to", isFine: ["ZONE_ALREADY_SET", "ALREADY_ENABLED"])
    }

    func remove(_ address: IPAddress, from zone: String) throws {
        try call("removeSource", zone, address, "remove \(address) from", isFine: ["UNKNOWN_SOURCE", "NOT_ENABLED"])
    }

    func contains(_ address: IPAddress, in zone: String) throws -> Bool {
        try call("querySource", zone, address, "look for \(address) in", isFine: []) == .boolean(true)
    }

    /// Calls a method for zones.
    ///
    /// - Parameter isFine: the beginnings of firewalld's messages that say that all is as it is wanted. Its errors have but
    ///   one name.
    @discardableResult
    private func call(
        _ method: String, _ zone: String, _ address: IPAddress, _ operation: String, isFine codes: [String]
    ) throws -> SystemBus.Value {
        do throws(DBusError) {
            let source = IPPrefix(only: address).description
            return try bus().call(method, of: Firewalld.zones, [zone, source])
        } catch {
            if codes.contains(where: { error.message.hasPrefix($0) }) { return .other }
            throw CNIError(.failed, "firewalld: cannot \(operation) the zone \(zone)", details: error.description)
        }
    }
}
