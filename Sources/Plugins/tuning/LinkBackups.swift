internal import CNI
internal import CNIPlugin
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// The folder of backups: one file an interface, `<container id>_<interface>.json`.
struct LinkBackups {
    private let folder: String

    init(in folder: String) { self.folder = folder }

    /// More than any backup, in bytes.
    private static let limit = 1 << 16

    static func name(_ attachment: Attachment) -> String {
        "\(attachment.containerID)_\(attachment.interfaceName).json"
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// The backup of an interface; nil where there is none.
    ///
    /// - Throws: ``CNIError`` with code 5 for what cannot be read, with code 6 for what is no backup.
    func find(_ attachment: Attachment) throws(CNIError) -> LinkBackup? {
        let name = LinkBackups.name(attachment)
        guard let bytes = try contents(name) else { return nil }
        do throws(JSONError) { return try LinkBackup(bytes) } catch {
            throw CNIError(.decoding, "\(path(name)) is no backup of a link", details: error.description)
        }
    }

    /// As ``find(_:)``, made sure that an ADD can go on from it: it is this interface's, and all of it makes sense.
    func usable(_ attachment: Attachment) throws(CNIError) -> LinkBackup? {
        guard let backup = try find(attachment) else { return nil }
        let path = path(LinkBackups.name(attachment))
        if backup.isOfOther(than: attachment) {
            let owner = backup.owner.map { "\($0)" } ?? "another interface"
            throw CNIError(.failed, "the backup \(path) is in the way: it is of \(owner)")
        }
        do { _ = try backup.settings() } catch {
            throw CNIError(.decoding, "\(path) is no backup of a link", details: "\(error)")
        }
        return backup
    }

    private func contents(_ name: String) throws(CNIError) -> [UInt8]? {
        do throws(Errno) {
            return try Directory(folder).contents(of: name, limit: LinkBackups.limit)
        } catch {
            // A name that no file can have, or a folder that is none: nothing has been written there.
            if [.noSuchFileOrDirectory, .notDirectory, .fileNameTooLong].contains(error) { return nil }
            throw failure("read", name, LinkBackups.reason(error))
        }
    }

    /// Writes a backup, in place of the one that is there.
    func save(_ backup: LinkBackup, of attachment: Attachment) throws(CNIError) {
        let name = LinkBackups.name(attachment)
        do throws(Errno) {
            try Directory(creating: folder, mode: 0o700).replace(
                name, contents: JSONValue.object(backup.object).text(), mode: 0o600)
        } catch {
            throw failure("write", name, error.description)
        }
    }

    /// Removes a backup, and what a killed ADD may have left beside it.
    func remove(_ attachment: Attachment) throws(CNIError) {
        let name = LinkBackups.name(attachment)
        do throws(Errno) {
            let folder = try Directory(folder)
            try folder.removeTemporary(of: name)
            try folder.remove(name)
        } catch {
            if [.noSuchFileOrDirectory, .notDirectory, .fileNameTooLong].contains(error) { return }
            throw failure("remove", name, error.description)
        }
    }

    /// Removes the backups of a network whose attachments are not among `living`. One that does not say whose it is, as
    /// the reference plugin writes them, may be another network's, and stays.
    func collectGarbage(of network: String, living: Set<Attachment>) throws {
        let names: [String]
        do throws(Errno) { names = try Directory(folder).names() } catch {
            if [.noSuchFileOrDirectory, .notDirectory].contains(error) { return }
            throw CNIError(.inputOutput, "cannot list \(folder)", details: error.description)
        }
        var teardown = Teardown()
        for name in names {
            guard let bytes = try? contents(name), let owner = (try? LinkBackup(bytes))?.owner,
                LinkBackups.name(owner) == Directory.target(ofTemporary: name) ?? name,
                owner.network == network, !living.contains(owner)
            else { continue }
            teardown.step { try remove(owner) }
        }
        try teardown.finish()
    }

    private func failure(_ verb: String, _ name: String, _ reason: String) -> CNIError {
        CNIError(.inputOutput, "cannot \(verb) the backup \(path(name))", details: reason)
    }

    private static func reason(_ error: Errno) -> String {
        switch error {
        case .tooManySymbolicLinkLevels: "it is a symbolic link"
        case .invalidArgument: "it is no regular file"
        case .fileTooLarge: "it is larger than \(limit) bytes"
        default: error.description
        }
    }
}
