extension Sysctl {
    /// A parameter by the name that people write, such as `net.ipv4.conf.eth0.forwarding`; nil for one that is not
    /// below `net`, or that has a component which is empty, `.` or `..` or holds `/` or NUL.
    ///
    /// As with sysctl(8), `.` or `/` stands between components, whichever comes first. Between dots, a `/` stands for a
    /// dot in a name: `net.ipv4.conf.eth0/100.forwarding` and `net/ipv4/conf/eth0.100/forwarding` are the same.
    public init?(name: String) {
        let components = Sysctl.components(ofName: name)
        guard components.count > 1, components.first == "net" else { return nil }
        let isPlain = components.allSatisfy { component in
            !component.isEmpty && component != "." && component != ".."
                && !component.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
        }
        guard isPlain else { return nil }
        self.init(components: Array(components.dropFirst()))
    }

    /// The parts of a name, of which none has been looked at.
    public static func components(ofName name: String) -> [String] {
        let (dot, slash) = (UInt8(ascii: "."), UInt8(ascii: "/"))
        guard let separator = name.utf8.first(where: { $0 == dot || $0 == slash }) else { return [name] }
        return name.utf8.split(separator: separator, omittingEmptySubsequences: false).map { part in
            // Between slashes a dot is a dot, and there is no slash in a part.
            String(decoding: part.map { $0 == slash ? dot : $0 }, as: UTF8.self)
        }
    }
}
