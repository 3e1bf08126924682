internal import ArgumentParser
internal import CNI
internal import CNIRuntime
internal import LinuxSystem

/// `cnitool gc`
struct CollectGarbage: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Remove what is left of attachments whose namespace is gone.",
        discussion: """
            Attachments in the result cache whose namespace still exists are valid: every plugin is told about \
            them and removes what belongs to others. Those whose namespace is gone are detached first. So all \
            runtimes that use the network must share the result cache, or their attachments are cut off. \
            Plugins take part from cniVersion 1.1.0 on.
            """)

    @OptionGroup var options: NetworkOptions

    func run() throws {
        ContainerHost.clean(try Settings(.current))
        let (list, runtime) = try options.load()
        if list.disablesGarbageCollection {
            runtime.warn("nothing is removed: network \(list.name) says disableGC")
            return
        }
        let living: [Attachment]
        do throws(RuntimeError) {
            living = try runtime.livingAttachments(of: list.name)
        } catch {
            throw Failure(
                "\(error): a living attachment may hide behind it, so delete that attachment, or the file, first")
        }
        try runtime.collectGarbage(of: list, living: living)
    }
}
