internal import ArgumentParser
internal import CNI
internal import CNIRuntime
internal import LinuxSystem
internal import MessageDigest
internal import SystemPackage

/// The network and the namespace that a command is about.
struct AttachmentOptions: ParsableArguments {
    @Argument(help: "Name of the network, as in its configuration.", completion: Completions.networks)
    var network: String

    @Argument(help: "Path of the network namespace, such as /run/netns/blue.", completion: .file())
    var netns: String

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Name of the interface in the namespace. (default: CNI_IFNAME, or eth0)", valueName: "name"))
    var ifname: String?

    @OptionGroup var cacheOptions: CacheOptions

    func validate() throws {
        if netns.isEmpty { throw ValidationError("the path of the network namespace is empty") }
    }

    /// Finds the network, and says what is to be attached to it.
    func load() throws -> (list: NetworkConfigurationList, runtime: Runtime, parameters: AttachmentParameters) {
        let settings = try Settings(.current)
        let (list, runtime) = try settings.network(named: network, cache: cacheOptions.cache)
        let path = try AttachmentOptions.absolute(netns)
        let parameters = AttachmentParameters(
            containerID: AttachmentOptions.containerID(path), sandboxPath: path,
            interfaceName: ifname ?? settings.interfaceName, arguments: settings.arguments,
            capabilityArguments: settings.capabilityArguments)
        return (list, runtime, parameters)
    }

    /// The id of the container that a namespace stands for. Upstream's tool derives the same one, so that each can
    /// delete what the other added.
    static func containerID(_ path: String) -> String {
        "cnitool-" + SHA512.hexadecimal(of: path, bytes: 10)
    }

    /// The path from the root, without `.`, `..` and doubled slashes; links are not followed.
    static func absolute(_ path: String) throws -> String {
        let start = FilePath(path).isAbsolute ? FilePath("/") : FilePath(try Files.workingDirectory())
        return start.pushing(FilePath(path)).lexicallyNormalized().string
    }
}
