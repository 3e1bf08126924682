internal import ArgumentParser
internal import CNI
internal import CNINetworks
internal import CNIRuntime
internal import LinuxSystem

/// `cnitool network prune`
struct NetworkPrune: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove all networks that nobody is attached to.",
        discussion: """
            Looks at the networks of the drivers bridge and macvlan, whoever made them. Asks first, unless --force \
            says that it need not. Prints the names of the networks that it removed.

            EXIT STATUS
              0 success, also where the answer is no, 1 some are not removed (one sentence each on standard error), \
            64 wrong usage
            """)

    @Flag(name: [.short, .long], help: "Do not ask.")
    var force = false

    @Option(help: "How to print the names: plain, or json for an array.")
    var format = NameFormat.plain

    @OptionGroup var cacheOptions: CacheOptions

    func run() throws {
        let settings = try Settings(.current)
        ContainerHost.clean(settings)
        let (networks, damaged) = try settings.configurations.networks()
        let runtime = Runtime(pluginFolders: settings.pluginFolders, cache: ResultCache(cacheOptions.cache))
        for damage in damaged { runtime.warn("passing over \(damage)") }
        let host = ContainerHost(settings)
        var unused: [ConfigurationFolder.Network] = []
        for network in networks where NewNetwork.Driver(rawValue: NetworkOutline(network.list).driver) != nil {
            do throws(RuntimeError) {
                if try host.livingAttachments(of: network.list.name, runtime).isEmpty { unused.append(network) }
            } catch {
                runtime.warn("leaving network \"\(network.list.name)\" alone: \(error)")
            }
        }
        guard try unused.isEmpty || force || confirms(unused.map(\.list.name)) else { return }
        try remove(
            unused,
            NetworkRemoval(folder: settings.configurations, runtime: runtime, host: host))
    }

    private func confirms(_ names: [String]) throws -> Bool {
        guard StandardStreams.inputIsTerminal else {
            throw Failure(
                "\(names.joined(separator: ", ")) would be removed, and there is no terminal to ask on: "
                    + "say --force to remove without asking")
        }
        StandardStreams.writeError("Remove \(names.joined(separator: ", "))? [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased())
    }

    private func remove(_ networks: [ConfigurationFolder.Network], _ removal: NetworkRemoval) throws {
        var progress = Progress(of: networks.count, as: format)
        for network in networks {
            progress.begin("removing \(network.list.name)")
            do {
                try removal.remove(network)
                try progress.finish(network.list.name)
            } catch {
                progress.fail("network \"\(network.list.name)\" stays: \(error)")
            }
        }
        try progress.end()
    }
}
