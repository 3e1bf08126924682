internal import Glibc

/// A message bus that takes connections and never answers, as one that is stopped or stuck.
public final class SilentBus: Sendable {
    /// For the environment of a plugin.
    public let address: String
    private let descriptors: [CInt]

    /// - Parameter isFull: whether so many wait already that connecting takes as long as the bus is stuck.
    public init(at path: String, isFull: Bool) throws {
        address = "unix:path=\(path)"
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: name.sun_path)
        try SilentBus.require(path.utf8.count < room, "the path \(path)")
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        func withName(_ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
            withUnsafePointer(to: &name) { name in
                name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        var descriptors = [socket(AF_UNIX, kind, 0)]
        let listener = descriptors[0]
        try SilentBus.require(withName { bind(listener, $0, $1) } == 0, "bind")
        try SilentBus.require(listen(listener, isFull ? 0 : 16) == 0, "listen")
        // One is one too many for a queue of none.
        for _ in 0..<(isFull ? 4 : 0) {
            let client = socket(AF_UNIX, kind, 0)
            descriptors.append(client)
            if withName({ connect(client, $0, $1) }) != 0 { break }
        }
        self.descriptors = descriptors
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    private static func require(_ condition: Bool, _ what: String) throws {
        if !condition { throw Subprocess.Failure(description: "\(what): \(String(cString: strerror(errno)))") }
    }
}
