public import CNI

/// A CNI plugin: a struct that answers the commands of the specification and carries `@main`.
///
///     @main
///     struct ExamplePlugin: Plugin {
///         static let summary = "example: does nothing"
///         func add(_ request: AttachRequest) throws -> AttachmentResult { request.configuration.prevResult ?? AttachmentResult() }
///         func check(_ request: AttachRequest) throws {}
///         func delete(_ request: DetachRequest) throws {}
///     }
///
/// Everything about the protocol itself (variables, versions, reading, printing, exit status) has happened before a
/// command is called, or happens after it returns. A command changes nothing when it throws.
///
/// Nothing of a request is kept in global or static variables: a plugin that another one calls begins as a copy of that one's
/// process, where both are in one file.
public protocol Plugin {
    init()

    /// One line that says what the plugin is for.
    static var summary: String { get }

    /// Attaches a container (ADD) and says what was made.
    func add(_ request: AttachRequest) throws -> AttachmentResult

    /// Finds out whether everything that ADD promised is still so (CHECK).
    func check(_ request: AttachRequest) throws

    /// Removes what ADD made (DEL), as far as it is there: what is absent is no error.
    func delete(_ request: DetachRequest) throws

    /// Finds out whether ADD could work (STATUS).
    func status(_ request: NetworkRequest) throws

    /// Removes what belongs to attachments of this network that are not among `living` (GC).
    func collectGarbage(_ request: NetworkRequest, living: Set<Attachment>) throws
}

extension Plugin {
    /// A plugin that depends on nothing is always ready.
    public func status(_ request: NetworkRequest) throws {}

    /// A plugin whose traces go with the sandbox has nothing to collect.
    public func collectGarbage(_ request: NetworkRequest, living: Set<Attachment>) throws {}

    /// Runs the command that the environment names, prints its outcome and exits.
    public nonisolated static func main() {
        runProcess(Self())
    }
}
