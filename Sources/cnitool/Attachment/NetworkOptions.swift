internal import ArgumentParser
internal import CNI
internal import CNIRuntime
internal import LinuxSystem

/// The network that a command is about.
struct NetworkOptions: ParsableArguments {
    @Argument(help: "Name of the network, as in its configuration.", completion: Completions.networks)
    var network: String

    @Argument(help: "Not needed; accepted because other tools ask for it.")
    var netns: String?

    @OptionGroup var cacheOptions: CacheOptions

    /// Finds the network and what is needed to work on it.
    func load() throws -> (list: NetworkConfigurationList, runtime: Runtime) {
        try Settings(.current).network(named: network, cache: cacheOptions.cache)
    }
}
