internal import CLinux
internal import Glibc
public import SystemPackage

/// An open network namespace (network_namespaces(7)). It lives at least as long as this object.
public final class NetworkNamespace: Sendable {
    /// Why a path is not the network namespace that it should be.
    public enum Failure: Error, Equatable {
        /// The path could not be opened.
        case cannotOpen(Errno)
        /// There is a file, but it is not a network namespace.
        case notNetworkNamespace
    }

    private let descriptor: CInt

    /// Opens the namespace that is mounted at, or linked from, `path`.
    public init(path: String) throws(Failure) {
        let number: CInt
        // O_NONBLOCK keeps a hostile fifo from holding the process up.
        do throws(Errno) { number = try succeeding { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) } } catch {
            throw .cannotOpen(error)
        }
        guard CLinux_isNamespaceFile(number) == 1, CLinux_namespaceType(number) == CLinux_networkNamespaceType()
        else {
            close(number)
            throw .notNetworkNamespace
        }
        descriptor = number
    }

    /// The namespace of the calling thread.
    public static func own() throws(Failure) -> NetworkNamespace {
        try NetworkNamespace(path: "/proc/thread-self/ns/net")
    }

    deinit { close(descriptor) }

    /// Whether both are the same namespace.
    public func isSame(as other: NetworkNamespace) -> Bool {
        // Device and inode number together name a namespace.
        var (one, two) = (stat(), stat())
        return fstat(descriptor, &one) == 0 && fstat(other.descriptor, &two) == 0
            && one.st_dev == two.st_dev && one.st_ino == two.st_ino
    }

    /// The number by which a netlink message names this namespace (IFLA_NET_NS_FD): valid while the object lives.
    public var number: UInt32 { UInt32(bitPattern: descriptor) }

    /// Runs `body` with the calling thread inside this namespace, and returns to the one it was in.
    ///
    /// For single-threaded processes, and only for what must happen inside: opening a socket, writing a sysctl.
    /// Should the way back fail, the process is of no more use and ends.
    public func entered<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws -> Result {
        let home = try NetworkNamespace.own()
        try enter()
        return try home.returning(after: body)
    }

    /// Runs `body`, and moves the calling thread into this namespace then, from wherever it is. Should that fail, the
    /// process is of no more use and ends.
    func returning<Result: ~Copyable, Failure: Error>(
        after body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer {
            do { try enter() } catch {
                StandardStreams.writeError("cannot return from the sandbox: \(error)\n")
                abort()
            }
        }
        return try body()
    }

    /// Moves the calling thread into this namespace.
    func enter() throws(Errno) {
        try succeeding { CLinux_enterNetworkNamespace(descriptor) }
    }
}
