internal import LinuxSystem

/// What one line of an allow-list allows. Lists are written as regular expressions; of these a line may be no more than
/// a name whose components may be open: `^net\.ipv4\.conf\.IFNAME\.[a-z_]*$`.
struct SysctlPattern: Equatable {
    private enum Component: Equatable {
        case literal(String)
        /// `IFNAME`
        case interfaceName
        /// `.*` and `*`
        case anything
        /// `[a-z_]*` and the like, of which a component has at least one character.
        case word(hasDigits: Bool)
    }

    /// What stands for a whole component.
    private static let openComponents: [(text: String, component: Component)] = [
        ("[a-z_]*", .word(hasDigits: false)), ("[a-z_]+", .word(hasDigits: false)),
        ("[a-z0-9_]*", .word(hasDigits: true)), (".*", .anything), ("*", .anything),
    ]

    /// What a line may be, in words.
    static let rule =
        "the name of a kernel parameter, in which IFNAME, [a-z_]*, [a-z_]+, [a-z0-9_]*, .* or * may be a component"

    private var components: [Component] = []

    /// Nil where the line holds anything else of a regular expression.
    init?(_ line: String) {
        var rest = line.unicodeScalars[...]
        if rest.first == "^" { rest.removeFirst() }
        if rest.last == "$" { rest.removeLast() }
        let isDotted = rest.first { $0 == "." || $0 == "/" } != "/"
        while true {
            guard let component = SysctlPattern.component(&rest, isDotted) else { return nil }
            components.append(component)
            if rest.isEmpty { return }
            guard SysctlPattern.removeSeparator(&rest, isDotted) else { return nil }
        }
    }

    /// Whether this line allows a parameter.
    func allows(_ sysctl: Sysctl, interfaceName: String) -> Bool {
        let names = ["net"] + sysctl.components
        guard names.count == components.count else { return false }
        return zip(names, components).allSatisfy { name, component in
            switch component {
            case .literal(let text): name == text
            case .interfaceName: name == interfaceName
            case .anything: true
            case .word(let hasDigits):
                name.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || $0 == 0x5F || hasDigits && (0x30...0x39).contains($0)
                }
            }
        }
    }

    /// Takes the component from the front of `rest`: an open one, or a name up to a separator or the end.
    private static func component(_ rest: inout Substring.UnicodeScalarView, _ isDotted: Bool) -> Component? {
        for (text, component) in openComponents where rest.starts(with: text.unicodeScalars) {
            rest.removeFirst(text.unicodeScalars.count)
            return component
        }
        var name = String.UnicodeScalarView()
        while let next = rest.first, !isSeparator(rest, isDotted) {
            if "\\^$*+?()[]{}|".unicodeScalars.contains(next) || next.value <= 0x20 || next.value == 0x7F { return nil }
            // Between dots a slash stands for a dot in a name, as with sysctl(8).
            name.append(isDotted && next == "/" ? "." : next)
            rest.removeFirst()
        }
        if name.isEmpty { return nil }
        return String(name) == "IFNAME" ? .interfaceName : .literal(String(name))
    }

    private static func isSeparator(_ rest: Substring.UnicodeScalarView, _ isDotted: Bool) -> Bool {
        var rest = rest
        return removeSeparator(&rest, isDotted)
    }

    /// Takes `.` or `\.`, or `/` where that is what separates, from the front of `rest`; false where there is none.
    private static func removeSeparator(_ rest: inout Substring.UnicodeScalarView, _ isDotted: Bool) -> Bool {
        for separator in isDotted ? [".", "\\."] : ["/"] where rest.starts(with: separator.unicodeScalars) {
            rest.removeFirst(separator.unicodeScalars.count)
            return true
        }
        return false
    }
}
