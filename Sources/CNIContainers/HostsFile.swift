public import CNI
internal import NetworkAddress

/// The files by which a container finds names (hosts(5), resolv.conf(5)).
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

/// What a container's resolv.conf says.
public enum ResolverFile {
    /// The text that says what the networks say; nil where they say nothing. Words that would be lines of their own, or
    /// several words, are left out.
    public static func text(_ networks: [AttachmentResult.DNS]) -> String? {
        func words(_ key: KeyPath<AttachmentResult.DNS, [String]>) -> [String] {
            var distinct: [String] = []
            for word in networks.flatMap({ $0[keyPath: key] }) where isWord(word) && !distinct.contains(word) {
                distinct.append(word)
            }
            return distinct
        }
        var lines: [String] = []
        let search = words(\.search)
        if !search.isEmpty {
            lines.append("search " + search.joined(separator: " "))
        } else if let domain = networks.lazy.compactMap(\.domain).first(where: isWord) {
            lines.append("domain \(domain)")
        }
        lines += words(\.nameservers).map { "nameserver \($0)" }
        let options = words(\.options)
        if !options.isEmpty { lines.append("options " + options.joined(separator: " ")) }
        return lines.isEmpty ? nil : lines.map { $0 + "\n" }.joined()
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }
}
