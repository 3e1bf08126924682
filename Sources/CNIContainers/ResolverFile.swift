public import CNI

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
