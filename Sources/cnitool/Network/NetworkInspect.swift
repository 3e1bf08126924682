internal import ArgumentParser
internal import CNI
internal import CNIContainers
internal import CNINetworks
internal import CNIRuntime
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// `cnitool network inspect`
struct NetworkInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print everything about networks: one JSON array.",
        discussion: """
            Tells the configuration, gateways, ranges with used and free addresses as the leases have them, and each \
            attachment in the result cache with its container, interface, addresses and published ports.

            EXIT STATUS
              0 success, 1 a network is unknown (nothing is printed), 64 wrong usage
            """)

    @Option(help: "How to print: json.")
    var format = InspectionFormat.json

    @Argument(help: "Names of networks.", completion: Completions.allNetworks)
    var names: [String]

    @OptionGroup var cacheOptions: CacheOptions

    /// There is one; scripts name it.
    enum InspectionFormat: String, CaseIterable, ExpressibleByArgument {
        case json
    }

    func run() throws {
        let settings = try Settings(.current)
        ContainerHost.clean(settings)
        var documents: [JSONValue] = []
        for name in names { documents.append(try document(name, settings)) }
        try StandardStreams.write(.array(documents))
    }

    private func document(_ name: String, _ settings: Settings) throws -> JSONValue {
        let builtIn = NetworkOutline.builtIn.first { $0.name == name }
        let network: ConfigurationFolder.Network
        let runtime: Runtime
        do {
            (network, runtime) = try settings.found(name, cache: cacheOptions.cache)
        } catch {
            guard let builtIn else { throw error }
            return NetworkInspection.builtIn(builtIn)
        }
        let (entries, damaged) = try runtime.cache.entries(ofNetwork: name)
        for damage in damaged { runtime.warn("passing over \(damage)") }
        let leases = LeaseFiles(NetworkOutline(network.list))
        do throws(Errno) {
            return NetworkInspection(
                network, entries: entries, leases: try leases?.addresses() ?? [],
                containerNames: ContainerHost(settings).containers.compactMapValues(\.name)
            ).json
        } catch {
            throw Failure("the leases of network \"\(name)\" cannot be read: \(error)")
        }
    }
}
