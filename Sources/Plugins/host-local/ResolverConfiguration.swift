internal import CNI
internal import LinuxSystem
internal import SystemPackage

/// Reads files such as /etc/resolv.conf (resolv.conf(5)).
protocol ResolverFiles {
    func contents(of path: String) throws(Errno) -> [UInt8]
}

/// The files of this machine.
struct SystemResolverFiles: ResolverFiles {
    func contents(of path: String) throws(Errno) -> [UInt8] { try Files.contents(of: path) }
}

extension AttachmentResult.DNS {
    /// Takes the name servers, domain, search domains and options from the text of a resolv.conf. Of several `domain`
    /// lines the last one counts; the other lines add up, as they do for the reference.
    init(resolverFile contents: [UInt8]) {
        self.init()
        for line in String(decoding: contents, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard words.count > 1, !words[0].hasPrefix("#"), !words[0].hasPrefix(";") else { continue }
            switch words[0] {
            case "nameserver": nameservers.append(words[1])
            case "domain": domain = words[1]
            case "search": search += words.dropFirst()
            case "options": options += words.dropFirst()
            default: break
            }
        }
    }
}
