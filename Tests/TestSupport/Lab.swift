internal import Foundation

/// A sandbox for tests of executables: a network namespace that plays the host, any number that play containers, and
/// a folder for files. All of it goes away with the object, also when the test fails.
///
/// The test process itself never enters a namespace, because the tests of a run share its threads: it starts programs.
public final class Lab: Sendable {
    public let host: LabNamespace
    public let containers: [LabNamespace]
    /// An empty folder of this lab's own, for data directories, caches and scripts.
    public let folder: String

    /// The first container.
    public var container: LabNamespace { containers[0] }

    public init(containers count: Int = 1) throws {
        _ = Lab.sweeping
        let identifier = Lab.nextIdentifier()
        folder = Lab.temporaryFolder + identifier
        host = LabNamespace(name: identifier + "h")
        containers = (0..<count).map { LabNamespace(name: "\(identifier)c\($0)") }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        for namespace in [host] + containers { try namespace.create() }
        try host.ip("link", "set", "lo", "up")
    }

    deinit {
        for namespace in [host] + containers { namespace.remove() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Makes a container more; the caller removes it by ``LabNamespace/remove()``.
    public func addContainer() throws -> LabNamespace {
        let namespace = LabNamespace(name: Lab.nextIdentifier() + "x")
        try namespace.create()
        return namespace
    }

    /// The path of a file or folder of the lab.
    public func path(_ name: String) -> String { folder + "/" + name }

    /// Writes a file of the lab, and the folders above it, and returns its path.
    ///
    /// A script is written by another process: were it open for writing here while some thread forks, running it would
    /// fail with "text file busy".
    @discardableResult
    public func write(_ text: String, to name: String, executable: Bool = false) throws -> String {
        let file = URL(filePath: path(name))
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        let line = "cat >\"$1\" && chmod \(executable ? "755" : "644") \"$1\""
        try LabNamespace.require(
            try Subprocess.run("/bin/sh", ["-c", line, "sh", file.path], input: Array(text.utf8)), "write \(file.path)")
        return file.path
    }

    /// Whether this process can make network namespaces.
    public static let isAvailable: Bool = {
        guard getuid() == 0, Subprocess.find("ip") != nil else { return false }
        let namespace = LabNamespace(name: nextIdentifier() + "p")
        defer { namespace.remove() }
        return (try? namespace.create()) != nil
    }()

    private static let counter = Counter()

    private static func nextIdentifier() -> String { "cnit-\(getpid())-\(counter.next())" }

    private static let temporaryFolder = NSTemporaryDirectory() + (NSTemporaryDirectory().hasSuffix("/") ? "" : "/")

    /// Removes what labs of test processes left behind that were killed. Once a run.
    private static let sweeping: Void = {
        func stale(_ folder: String) -> [String] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return names.filter { name in
                let parts = name.split(separator: "-")
                guard parts.count == 3, parts[0] == "cnit", let process = pid_t(parts[1]) else { return false }
                return kill(process, 0) != 0 && errno == ESRCH
            }
        }
        for name in stale(LabNamespace.folder) { LabNamespace(name: name).remove() }
        for name in stale(temporaryFolder) { try? FileManager.default.removeItem(atPath: temporaryFolder + name) }
    }()
}

/// Counts from 1, for many threads.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0

    func next() -> Int {
        lock.withLock {
            value += 1
            return value
        }
    }
}
