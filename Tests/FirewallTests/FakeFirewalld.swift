import CNI
import InterfaceTestSupport
import NetworkAddress

@testable import firewall

/// firewalld in memory; as long as it does not run nothing is recorded.
final class FakeFirewalld: FirewallService {
    var isOn = false
    /// Whether the message bus does not answer.
    var isSilent = false
    var zones: [String: Set<String>] = [:]
    private let log: CallLog

    init(_ log: CallLog) { self.log = log }

    func isRunning() throws(CNIError) -> Bool {
        if isSilent { throw CNIError(.tryAgainLater, "nobody answers") }
        return isOn
    }

    func add(_ address: IPAddress, to zone: String) throws {
        try log.record("firewalld: add \(address) to \(zone)")
        zones[zone, default: []].insert(address.description)
    }

    func remove(_ address: IPAddress, from zone: String) throws {
        try log.record("firewalld: remove \(address) from \(zone)")
        zones[zone]?.remove(address.description)
    }

    func contains(_ address: IPAddress, in zone: String) throws -> Bool {
        try log.record("firewalld: look for \(address) in \(zone)")
        return zones[zone]?.contains(address.description) ?? false
    }
}
