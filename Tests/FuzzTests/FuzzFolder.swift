import Foundation

/// A folder in memory for one input, empty when the next one comes.
struct FuzzFolder {
    /// One for the process, and the thread that tests run on: making folders costs more than what is done in them.
    let path: String

    init() throws {
        path = "/dev/shm/fuzz-\(ProcessInfo.processInfo.processIdentifier)-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func empty() { try? FileManager.default.removeItem(atPath: path) }

    /// The names of the files that are somebody's, below this folder: not locks, indexes and hints for the next address.
    var files: [String] {
        (FileManager.default.subpaths(atPath: path) ?? []).filter { name in
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isFolder)
            let last = name.split(separator: "/").last ?? ""
            return exists && !isFolder.boolValue && !last.hasPrefix("last_reserved_ip") && !last.hasSuffix("lock")
                && !last.hasSuffix(".index")
        }.sorted()
    }
}
