internal import CLinux
internal import Glibc

/// The environment of a process (environ(7)), as the `NAME=value` texts that exec takes.
public struct ProcessEnvironment: Equatable, Sendable {
    public private(set) var entries: [String]

    public init(_ entries: [String]) {
        self.entries = entries
    }

    /// The environment of this process.
    public static var current: ProcessEnvironment {
        var entries: [String] = []
        var pointer = CLinux_environment()
        while let entry = pointer.pointee {
            entries.append(String(cString: entry))
            pointer += 1
        }
        return ProcessEnvironment(entries)
    }

    /// The value of a variable; nil when it is not set. Setting replaces it, nil removes it.
    public subscript(name: String) -> String? {
        get {
            // By bytes: a combining character at the start of the value makes one Character with the `=`.
            entries.first { ProcessEnvironment.isEntry($0, of: name) }
                .map { String(decoding: $0.utf8.dropFirst(name.utf8.count + 1), as: UTF8.self) }
        }
        set {
            entries.removeAll { ProcessEnvironment.isEntry($0, of: name) }
            if let newValue { entries.append("\(name)=\(newValue)") }
        }
    }

    private static func isEntry(_ entry: String, of name: String) -> Bool {
        let (entry, name) = (entry.utf8, name.utf8)
        guard entry.starts(with: name) else { return false }
        return entry.dropFirst(name.count).first == UInt8(ascii: "=")
    }
}
