internal import CNI
internal import NetworkAddress

/// The service firewalld, as far as this plugin needs it: zones, and the addresses that are in them.
protocol FirewallService {
    /// Whether it runs. Without it nothing is in a zone.
    ///
    /// - Throws: ``CNIError`` with code 11 where nobody says so in time.
    func isRunning() throws(CNIError) -> Bool

    /// Puts an address into a zone (`firewall-cmd --zone=ZONE --add-source=ADDRESS`); no error where it is there already.
    func add(_ address: IPAddress, to zone: String) throws

    /// Takes an address out of a zone (`--remove-source`); no error where it is not in it.
    func remove(_ address: IPAddress, from zone: String) throws

    /// Whether an address is in a zone (`--query-source`).
    func contains(_ address: IPAddress, in zone: String) throws -> Bool
}
