internal import NetworkAddress

/// The file by which a container finds others by name (hosts(5)).
public enum HostsFile {
    private static let beginning = """
        127.0.0.1 localhost
        ::1 localhost ip6-localhost ip6-loopback
        fe00::0 ip6-localnet
        ff00::0 ip6-mcastprefix
        ff02::1 ip6-allnodes
        ff02::2 ip6-allrouters

        """

    /// What a container's hosts file says: its own names, and those of everybody who shares a network with it, by the
    /// addresses there. Whoever is known by a link has that name as well.
    ///
    /// - Parameter all: every container, this one too, in the order in which their lines come.
    public static func text(of container: ContainerRecord, among all: [ContainerRecord]) -> String {
        var lines: [String] = []
        for attachment in container.attachments {
            let names = [container.hostName] + container.names + attachment.aliases
            lines += HostsFile.lines(attachment.addresses, names)
        }
        for other in all where other.id != container.id {
            let linked = container.links.filter { $0.target == other.name || $0.target == other.id }.map(\.alias)
            for attachment in other.attachments
            where container.attachments.contains(where: { $0.network == attachment.network }) {
                lines += HostsFile.lines(attachment.addresses, other.names + linked + attachment.aliases)
            }
        }
        return beginning + lines.map { $0 + "\n" }.joined()
    }

    private static func lines(_ addresses: [IPAddress], _ names: [String]) -> [String] {
        var distinct: [String] = []
        for name in names where !distinct.contains(name) { distinct.append(name) }
        return addresses.map { "\($0) \(distinct.joined(separator: " "))" }
    }
}

extension ContainerRecord {
    /// The names that everybody knows it by.
    var names: [String] { [name].compactMap { $0 } + [ContainerNames.short(id)] }
}
