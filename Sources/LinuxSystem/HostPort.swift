internal import Glibc

/// A port of this host, in the network of the calling process.
public enum HostPort {
    /// What ports are of.
    public enum Transport: Sendable {
        case tcp
        case udp
    }

    /// Whether a process has the port at an address, or at all addresses: as a server, for TCP (bind(2)).
    ///
    /// - Parameter address: four or sixteen bytes in network order; all zeros mean every address of the family. One that
    ///   this host does not have is not in use.
    public static func isInUse(_ port: UInt16, of transport: Transport, at address: [UInt8]) -> Bool {
        let type = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        let family = address.count == 4 ? AF_INET : AF_INET6
        let socket = Glibc.socket(family, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if socket < 0 { return false }
        defer { close(socket) }
        var yes: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        // Connections of servers that have ended are nobody's.
        if transport == .tcp { setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, size) }
        if family == AF_INET6 { setsockopt(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, size) }
        return bind(socket, port, address) < 0 && errno == EADDRINUSE
    }

    private static func bind(_ socket: CInt, _ port: UInt16, _ address: [UInt8]) -> CInt {
        func bind<Address>(_ value: Address) -> CInt {
            withUnsafeBytes(of: value) { bytes in
                Glibc.bind(
                    socket, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
            }
        }
        if address.count == 4 {
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &value.sin_addr) { $0.copyBytes(from: address) }
            return bind(value)
        }
        var value = sockaddr_in6()
        value.sin6_family = sa_family_t(AF_INET6)
        value.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &value.sin6_addr) { $0.copyBytes(from: address) }
        return bind(value)
    }
}
