import Foundation

/// A folder for one input, removed after it; in memory where the system has a place for that.
struct FuzzFolder {
    let path: String

    init() throws {
        let number = UInt64.random(in: 0...UInt64.max)
        path = FuzzFolder.parent + "/fuzz-\(ProcessInfo.processInfo.processIdentifier)-\(number)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// `scripts/fuzz` names one that it removes whatever happens.
    private static let parent: String = {
        if let named = ProcessInfo.processInfo.environment["CNI_FUZZ_FOLDER"] { return named }
        return FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    }()

    func remove() { try? FileManager.default.removeItem(atPath: path) }

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
