internal import CLinux
internal import Glibc
public import SystemPackage

/// Kernel parameters of the calling thread's network namespace (sysctl(8), /proc/sys/net).
public struct Sysctl: Hashable, Sendable, CustomStringConvertible {
    /// The components below /proc/sys/net, such as `["ipv4", "conf", "cni0", "forwarding"]`.
    ///
    /// An interface name may hold dots; as a component of its own it needs no escaping.
    public let components: [String]

    /// A parameter named by its components; none may be empty, `.`, `..` or hold `/` or NUL, else `EINVAL` on use.
    public init(_ components: String...) {
        self.components = components
    }

    /// As ``init(_:)``, with a list.
    public init(components: [String]) {
        self.components = components
    }

    /// The path below /proc/sys.
    public var description: String {
        var path = "net"
        for component in components { path += "/" + component }
        return path
    }

    /// What `sysctl -n` prints, without the newline. `EACCES` where the parameter can only be written.
    public func read() throws(Errno) -> String {
        let bytes = try opened(O_RDONLY).readAll(limit: Sysctl.maximumLength)
        return String(decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    /// `sysctl -w`. `EACCES` where the parameter can only be read, as the kernel has it in a container for those of
    /// the whole machine.
    public func write(_ value: String) throws(Errno) {
        // Writing nothing at all would do nothing; lists are emptied by an empty line.
        try opened(O_WRONLY).writeAll(value.isEmpty ? [UInt8(ascii: "\n")] : Array(value.utf8))
    }

    /// The longest value that is read, in bytes.
    public static let maximumLength = 4096

    /// The file. Whatever a component holds, it leads nowhere but below /proc/sys/net.
    private func opened(_ flags: CInt) throws(Errno) -> OwnedDescriptor {
        guard !components.isEmpty, components.allSatisfy(Sysctl.isName) else { throw .invalidArgument }
        do throws(Errno) {
            // One call for all steps.
            return try OwnedDescriptor(openingWithoutLinks: "/proc/sys/" + description, flags)
        } catch {
            // Kernels before 5.6, and filters of system calls that do not know this one.
            guard error == .noFunction || error == .notPermitted else { throw error }
            let folder = try OwnedDescriptor(opening: "/proc/sys/net", O_RDONLY | O_DIRECTORY)
            return try folder.descendant(components[...], flags)
        }
    }

    private static func isName(_ component: String) -> Bool {
        !component.isEmpty && component != "." && component != ".."
            && !component.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }
}

extension OwnedDescriptor {
    /// openat2(2) that goes by no symbolic link, `ELOOP` where there is one; always close-on-exec.
    init(openingWithoutLinks path: String, _ flags: CInt) throws(Errno) {
        self.init(adopting: try succeeding { CLinux_openWithoutLinks(path, flags | O_CLOEXEC) })
    }

    /// Opens a file below this directory, by names in one directory after the other. `ELOOP` or `ENOTDIR` for a symbolic
    /// link.
    func descendant(_ names: ArraySlice<String>, _ flags: CInt) throws(Errno) -> OwnedDescriptor {
        let (name, rest) = (names.first ?? "", names.dropFirst())
        if rest.isEmpty { return try OwnedDescriptor(opening: name, in: number, flags | O_NOFOLLOW) }
        let folder = try OwnedDescriptor(opening: name, in: number, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        return try folder.descendant(rest, flags)
    }
}
