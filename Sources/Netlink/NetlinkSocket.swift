internal import Glibc
public import LinuxSystem
internal import SystemPackage

/// A connection to the routing part of the kernel (rtnetlink(7)) in one network namespace.
///
/// The namespace is that of the thread which made the socket; afterwards it can be used from any other.
public final class NetlinkSocket: NetworkStack {
    let connection: NetlinkConnection
    /// Nil: the namespace that the process runs in.
    private let namespace: NetworkNamespace?

    /// Connects to the kernel in the namespace of the calling thread.
    public convenience init() throws(NetlinkError) {
        try self.init(inside: nil)
    }

    private init(inside namespace: NetworkNamespace?) throws(NetlinkError) {
        self.namespace = namespace
        connection = try NetlinkConnection(.route)
    }

    /// Connects to the kernel in another namespace.
    public static func inside(_ namespace: NetworkNamespace) throws -> NetlinkSocket {
        try namespace.entered { () throws(NetlinkError) in try NetlinkSocket(inside: namespace) }
    }

    /// A second connection to the same namespace.
    func makeHandle() throws(NetlinkError) -> SocketHandle {
        guard let namespace else { return try SocketHandle(.route) }
        do {
            return try namespace.entered { () throws(NetlinkError) in try SocketHandle(.route) }
        } catch let error as NetlinkError {
            throw error
        } catch {
            throw NetlinkError(operation: "enter the sandbox", errno: error as? Errno ?? .ioError)
        }
    }
}
