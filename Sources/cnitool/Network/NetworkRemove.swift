internal import ArgumentParser
internal import CNINetworks
internal import CNIRuntime
internal import LinuxSystem

/// `cnitool network rm`
struct NetworkRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove networks: bridge, rules, leases and file.",
        discussion: """
            A network with attachments whose namespace exists is not removed, unless -f detaches them first. Prints \
            the names of the networks that it removed; goes on after a failure.

            EXIT STATUS
              0 all are removed, 1 some are not (one sentence each on standard error), 64 wrong usage
            """)

    @Flag(name: [.short, .long], help: "Detach what is attached.")
    var force = false

    @Option(help: "How to print the names: plain, or json for an array.")
    var format = NameFormat.plain

    @Argument(help: "Names of networks.", completion: Completions.networks)
    var names: [String]

    @OptionGroup var cacheOptions: CacheOptions

    func run() throws {
        let settings = try Settings(.current)
        ContainerHost.clean(settings)
        var progress = Progress(of: names.count, as: format)
        for name in names {
            progress.begin("removing \(name)")
            do {
                if NewNetwork.builtIn.contains(name) {
                    throw Failure("network \(name) is always there and cannot be removed")
                }
                let (network, runtime) = try settings.found(name, cache: cacheOptions.cache)
                try NetworkRemoval(
                    folder: settings.configurations, runtime: runtime, host: ContainerHost(settings),
                    detaches: force
                ).remove(network)
                try progress.finish(name)
            } catch {
                progress.fail("\(error)")
            }
        }
        try progress.end()
    }
}
