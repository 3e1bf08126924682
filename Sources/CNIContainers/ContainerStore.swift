public import LinuxSystem
internal import JSON
public import SystemPackage

/// The folder that says which containers there are: a folder for each, with its record, its hosts file, and the file that
/// is locked by whoever looks after the container, for as long as that one lives.
public struct ContainerStore: Sendable {
    /// Where it is unless the environment says otherwise.
    public static let defaultPath = "/run/cnitool"

    public let path: String

    public init(_ path: String = ContainerStore.defaultPath) {
        self.path = path
    }

    private static let record = "record.json"
    /// The longest record, in bytes: the kernel takes commands of two million, which may be written with six for each.
    private static let longest = 32 << 20
    private static let alive = "alive"
    private static let lock = "lock"
    public static let hosts = "hosts"
    public static let resolver = "resolv.conf"

    /// Whether there has ever been a container, as far as this user can see.
    public var exists: Bool { (try? Directory(path).names()) != nil }

    /// Waits until nobody else changes anything, for as long as the value lives.
    public func lock() throws(Errno) -> FileLock {
        try Directory(creating: path, mode: 0o700).lock(ContainerStore.lock, mode: 0o600)
    }

    /// The ids of all containers, in order.
    public func identifiers() throws(Errno) -> [String] {
        try Directory(path).names().filter { $0.utf8.count == 64 }.sorted()
    }

    /// What a container's record says; nil where it has none.
    ///
    /// - Throws: `Errno`, or `JSONError` for a record that is damaged.
    public func record(of identifier: String) throws -> ContainerRecord? {
        do {
            let contents = try folder(identifier).contents(of: ContainerStore.record, limit: ContainerStore.longest)
            return try ContainerRecord(JSONField(try JSONValue(parsing: contents)))
        } catch Errno.noSuchFileOrDirectory {
            return nil
        }
    }

    /// The containers that are looked after, the oldest first; the lock is held. Records that are damaged are left out.
    public func living() throws -> [ContainerRecord] {
        guard exists else { return [] }
        return try identifiers().filter { try isLookedAfter($0) }.compactMap { try? record(of: $0) }
            .sorted { ($0.created, $0.id) < ($1.created, $1.id) }
    }

    /// Whether somebody holds the container's lock.
    public func isLookedAfter(_ identifier: String) throws(Errno) -> Bool { try claim(identifier) == nil }

    /// Takes a container over; nil where somebody looks after it.
    public func claim(_ identifier: String) throws(Errno) -> FileLock? {
        try folder(identifier).tryLock(ContainerStore.alive, mode: 0o600)
    }

    /// Takes a container over whose supervisor has ended, once the plugins have that were at work for it; nil where that
    /// takes them too long.
    public func claimOrphan(_ identifier: String) throws(Errno) -> FileLock? {
        try folder(identifier).lock(ContainerStore.alive, mode: 0o600, milliseconds: 5000)
    }

    /// Makes the folder of a new container, and looks after it while the value lives.
    public func create(_ record: ContainerRecord) throws(Errno) -> FileLock {
        _ = try Directory(path).subdirectory(record.id, creating: true, mode: 0o700)
        guard let claim = try claim(record.id) else { throw .fileExists }
        try write(record)
        return claim
    }

    /// Writes a record whole or not at all.
    public func write(_ record: ContainerRecord) throws(Errno) {
        try folder(record.id).replace(ContainerStore.record, contents: record.json.text(), mode: 0o600)
    }

    /// Removes a container's folder; no error where it is gone.
    public func remove(_ identifier: String) throws(Errno) {
        do throws(Errno) {
            let folder = try folder(identifier)
            for name in try folder.names() { try folder.remove(name) }
            try Directory(path).removeDirectory(identifier)
        } catch .noSuchFileOrDirectory {
            return
        } catch {
            throw error
        }
    }

    /// The path of a file of a container.
    public func path(of name: String, _ identifier: String) -> String { "\(path)/\(identifier)/\(name)" }

    /// Writes a file that the container has mounted, in its place.
    public func overwrite(_ name: String, of identifier: String, _ text: String) throws(Errno) {
        try folder(identifier).overwrite(name, contents: Array(text.utf8))
    }

    /// Brings every container's hosts file up to date; the lock is held.
    public func refreshHosts() throws {
        let records = try living()
        for record in records where record.sandboxPath != nil {
            try overwrite(ContainerStore.hosts, of: record.id, HostsFile.text(of: record, among: records))
        }
    }

    private func folder(_ identifier: String) throws(Errno) -> Directory {
        try Directory(path).subdirectory(identifier)
    }
}
