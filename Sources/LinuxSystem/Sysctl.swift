internal import Glibc
public import SystemPackage

/// Kernel parameters of the calling thread's network namespace (sysctl(8), /proc/sys/net).
public struct Sysctl: Equatable, Sendable, CustomStringConvertible {
    /// The components below /proc/sys/net, such as `["ipv4", "conf", "cni0", "forwarding"]`.
    ///
    /// An interface name may hold dots; as a component of its own it needs no escaping.
    public let components: [String]

    /// A parameter named by its components; none may be empty, `.`, `..` or hold `/` or NUL, else `EINVAL` on use.
    public init(_ components: String...) {
        self.components = components
    }

    /// The path below /proc/sys.
    public var description: String {
        var path = "net"
        for component in components { path += "/" + component }
        return path
    }

    /// What `sysctl -n` prints, without the newline.
    public func read() throws(Errno) -> String {
        let file = try OwnedDescriptor(opening: try path(), O_RDONLY | O_NOFOLLOW)
        let bytes = try file.readAll(limit: 4096)
        return String(decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    /// `sysctl -w`
    public func write(_ value: String) throws(Errno) {
        let file = try OwnedDescriptor(opening: try path(), O_WRONLY | O_NOFOLLOW)
        try file.writeAll(Array(value.utf8))
    }

    private func path() throws(Errno) -> String {
        for component in components {
            guard !component.isEmpty, component != ".", component != "..", !component.utf8.contains(0),
                !component.utf8.contains(UInt8(ascii: "/"))
            else { throw .invalidArgument }
        }
        return "/proc/sys/\(self)"
    }
}
