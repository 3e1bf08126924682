/// The names that the specification restricts. They reach file names, rules and other programs' arguments, so
/// they are checked byte by byte and not by Unicode's classes.
public enum Names {
    /// Container ids and network names: the first byte alphanumeric, the rest alphanumeric or one of `_`, `.`, `-`.
    public static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, isAlphanumeric(first) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D }
    }

    /// What ``isIdentifier(_:)`` wants, in words.
    public static let identifierRule = "a letter or digit, then letters, digits, '_', '.' or '-'"

    /// Names of links (kernel: dev_valid_name()): 1 to 15 bytes, not `.` or `..`, without `/`, `:` and white space.
    /// Control characters and NUL are refused too. The kernel takes the byte A0 for a blank, also inside a character.
    public static func isInterfaceName(_ text: String) -> Bool {
        (1...15).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x2F && $0 != 0x3A && $0 != 0x7F && $0 != 0xA0 }
    }

    /// What ``isInterfaceName(_:)`` wants, in words.
    public static let interfaceNameRule = "1 to 15 characters other than '/', ':' and white space"

    /// Names of plugins: a file name and no path, so that `type` cannot reach outside CNI_PATH (CVE-2021-20206).
    public static func isPluginType(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { $0 != 0x2F && $0 != 0x5C && $0 >= 0x20 && $0 != 0x7F }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
