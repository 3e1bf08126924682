public import CNI

/// Why a runtime could not do what it was asked for; each is one sentence.
public enum RuntimeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No file in the folder describes the network; `damaged` are the files that could have been it.
    case networkNotFound(name: String, folder: String, damaged: [String])
    /// A file that describes the network, or might, is not valid; `reason` names the key.
    case invalidConfiguration(file: String, reason: String)
    /// A parameter of the attachment is not valid.
    case invalidParameter(name: String, expected: String, found: String)
    /// ADD for what is attached already, as far as the result cache knows.
    case alreadyAttached(Attachment)
    /// CHECK for what is not attached, as far as the result cache knows.
    case notAttached(Attachment)
    /// CHECK on a network whose version does not have it.
    case checkNotSupported(network: String, version: SpecificationVersion)
    /// A plugin failed, or could not be run at all.
    case pluginFailed(type: String, command: Command, error: CNIError)
    /// The result cache could not be read or written.
    case cache(path: String, reason: String)
    /// Several steps failed, in order; never fewer than two.
    case several([RuntimeError])

    public var description: String {
        switch self {
        case .networkNotFound(let name, let folder, let damaged):
            let doubt =
                damaged.isEmpty
                ? "" : "; it may be one of those that cannot be read: \(damaged.joined(separator: "; "))"
            return "no network named \"\(name)\" in \(folder)\(doubt)"
        case .invalidConfiguration(let file, let reason): return "\(file): \(reason)"
        case .invalidParameter(let name, let expected, let found):
            return "\(name): expected \(expected), found \(found)"
        case .alreadyAttached(let attachment): return "there is already \(attachment): delete it first"
        case .notAttached(let attachment): return "there is no \(attachment) in the result cache: add it first"
        case .checkNotSupported(let network, let version):
            let needed = Command.check.introduced
            return "network \(network) has cniVersion \(version), which has no CHECK: it needs \(needed) or newer"
        case .pluginFailed(let type, let command, let error):
            return "\(command.rawValue) by plugin \(type) failed: \(error) (code \(error.code.rawValue))"
        case .cache(let path, let reason): return "result cache: \(path): \(reason)"
        case .several(let errors): return errors.map(\.description).joined(separator: "; ")
        }
    }

    /// One error for all that went wrong; nil where nothing did.
    init?(_ failures: [RuntimeError]) {
        guard let first = failures.first else { return nil }
        self = failures.count == 1 ? first : .several(failures)
    }
}
