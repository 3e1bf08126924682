public import CNI
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// The folder in which runtimes remember their attachments, one file each, named
/// `<network>-<container id>-<interface>`.
///
/// A file is written whole or not at all and survives a loss of power. Entries that other runtimes wrote are read, and
/// they can read these.
public struct ResultCache: Sendable {
    /// Where runtimes keep their results unless told otherwise.
    public static let defaultPath = "/var/lib/cni/results"

    public let path: String

    public init(_ path: String = ResultCache.defaultPath) {
        self.path = path
    }

    /// What is known of an attachment; nil when nothing is.
    ///
    /// - Throws: ``RuntimeError/cache(path:reason:)`` for an entry that is damaged or cannot be read.
    public func entry(of attachment: Attachment) throws(RuntimeError) -> CachedAttachment? {
        let name = ResultCache.fileName(attachment)
        return try accessing(name, absent: nil) { folder throws in
            try ResultCache.entry(in: folder, name, of: attachment)
        }
    }

    /// Whether there is an entry, damaged or not.
    public func contains(_ attachment: Attachment) throws(RuntimeError) -> Bool {
        let name = ResultCache.fileName(attachment)
        return try accessing(name, absent: false) { folder throws in try folder.contains(name) }
    }

    /// Remembers an attachment, in place of what was known of it.
    public func store(_ entry: CachedAttachment) throws(RuntimeError) {
        let name = ResultCache.fileName(entry.attachment)
        do throws(Errno) {
            let folder = try Directory(creating: path, mode: 0o700)
            try folder.replace(name, contents: entry.json.text(.compact), mode: 0o600)
        } catch {
            throw .cache(path: "\(path)/\(name)", reason: "\(error)")
        }
    }

    /// Forgets an attachment; what is not known need not be forgotten.
    public func remove(_ attachment: Attachment) throws(RuntimeError) {
        let name = ResultCache.fileName(attachment)
        try accessing(name, absent: ()) { folder throws in
            // Whoever was killed while it stored the entry left it under another name.
            let hasTemporary = try folder.removeTemporary(of: name)
            let hasEntry = try folder.remove(name)
            if hasEntry || hasTemporary { try folder.synchronize() }
        }
    }

    /// All attachments of a network, sorted by file name, and the files that may be about the network but cannot be
    /// read.
    public func entries(
        ofNetwork network: String
    ) throws(RuntimeError) -> (entries: [CachedAttachment], damaged: [RuntimeError]) {
        let (entries, damaged) = try allEntries()
        // Only the name is left to tell the network of a damaged file; it is enough to be careful.
        return (
            entries.filter { $0.attachment.network == network },
            damaged.filter { $0.name.hasPrefix(network + "-") }.map(\.error)
        )
    }

    /// All attachments of all networks, sorted by file name, and what is wrong with files that cannot be read.
    public func entries() throws(RuntimeError) -> (entries: [CachedAttachment], damaged: [RuntimeError]) {
        let (entries, damaged) = try allEntries()
        return (entries, damaged.map(\.error))
    }

    private func allEntries() throws(RuntimeError) -> (
        entries: [CachedAttachment], damaged: [(name: String, error: RuntimeError)]
    ) {
        try accessing("", absent: ([], [])) { folder throws in
            var entries: [CachedAttachment] = []
            var damaged: [(name: String, error: RuntimeError)] = []
            for name in try folder.names().sorted() where !name.hasPrefix(".") {
                do {
                    if let entry = try ResultCache.entry(in: folder, name, of: nil) { entries.append(entry) }
                } catch {
                    damaged.append((name, .cache(path: "\(path)/\(name)", reason: "\(error)")))
                }
            }
            return (entries, damaged)
        }
    }

    /// The name of the file about an attachment. None of its parts can hold a separator.
    static func fileName(_ attachment: Attachment) -> String {
        "\(attachment.network)-\(attachment.containerID)-\(attachment.interfaceName)"
    }

    private static func entry(
        in folder: borrowing Directory, _ name: String, of attachment: Attachment?
    ) throws -> CachedAttachment? {
        let contents: [UInt8]
        do throws(Errno) {
            contents = try folder.contents(of: name, limit: 8 << 20)
        } catch .noSuchFileOrDirectory {
            return nil
        }
        return try CachedAttachment(JSONField(try JSONValue(parsing: contents)), of: attachment)
    }

    /// Runs `body` with the folder, or returns `absent` where there is none; failures name the file.
    private func accessing<Value>(
        _ name: String, absent: Value, _ body: (borrowing Directory) throws -> Value
    ) throws(RuntimeError) -> Value {
        do {
            return try body(try Directory(path))
        } catch Errno.noSuchFileOrDirectory {
            return absent
        } catch {
            throw .cache(path: name.isEmpty ? path : "\(path)/\(name)", reason: "\(error)")
        }
    }
}
