internal import LinuxSystem
internal import SystemPackage

/// The lock that our processes hold between a look at a table and its change. It ends with the process, however that ends.
final class PacketFilterLock {
    private static let folder = "/run/cni"
    private static let name = "packet-filter.lock"

    private var lock: FileLock?

    /// Waits for the lock.
    init() throws(PacketFilterError) {
        do throws(Errno) {
            // Nobody else may open it: whoever can may also hold it for ever.
            lock = try Directory(creating: PacketFilterLock.folder).lock(PacketFilterLock.name, mode: 0o600)
        } catch {
            throw PacketFilterError(
                backend: "packet filter", operation: "cannot lock \(PacketFilterLock.folder)/\(PacketFilterLock.name)",
                cause: .kernel(error))
        }
    }

    func release() { lock = nil }
}
