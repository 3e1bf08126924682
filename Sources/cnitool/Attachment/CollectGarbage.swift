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
            runtimes that use the network must share the result cache, or their attachments are cut off. Containers \
            of "cnitool run" are known without it. \
            Plugins take part from cniVersion 1.1.0 on.
            """)

    @OptionGroup var options: NetworkOptions

    func run() throws {
        let settings = try Settings(.current)
        ContainerHost.clean(settings)
        let (list, runtime) = try options.load()
        if list.disablesGarbageCollection {
            runtime.warn("nothing is removed: network \(list.name) says disableGC")
            return
        }
        let living: [Attachment]
        do throws(RuntimeError) {
            living = try ContainerHost(settings).livingAttachments(of: list.name, runtime)
        } catch {
            throw Failure(
                "\(error): a living attachment may hide behind it, so delete that attachment, or the file, first")
        }
        try runtime.collectGarbage(of: list, living: living)
    }
}
