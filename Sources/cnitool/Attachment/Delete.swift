internal import ArgumentParser
internal import CNIRuntime

/// `cnitool del`
struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "del",
        abstract: "Detach a namespace from a network.",
        discussion: """
            Works when the namespace is gone, and when there is nothing to detach. Arguments that the environment \
            leaves out are those that "add" had.
            """)

    @OptionGroup var options: AttachmentOptions

    func run() throws {
        let (list, runtime, parameters) = try options.load()
        try runtime.delete(parameters, from: list)
    }
}
