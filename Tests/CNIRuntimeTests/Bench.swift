import CNI
import CNIRuntime
import JSON
import LinuxSystem

/// A runtime over fake plugins and a cache of its own, and what it said.
final class Bench {
    let folder: TemporaryFolder
    let plugins = FakePlugins()
    private(set) var warnings: [String] = []

    init() throws {
        folder = try TemporaryFolder()
    }

    var cache: ResultCache { ResultCache("\(folder.path)/results") }

    var runtime: Runtime {
        Runtime(
            pluginFolders: ["/a", "/b"], cache: cache,
            environment: ProcessEnvironment(["HOME=/root", "CNI_IFNAME=stale", "CNI_COMMAND=stale", "EMPTY="]),
            runner: plugins, warn: { [weak self] in self?.warnings.append($0) })
    }

    /// A list from its text.
    static func list(_ text: String) throws -> NetworkConfigurationList {
        try NetworkConfigurationList(JSONField(try JSONValue(parsing: Array(text.utf8))))
    }

    /// A network `blue` of three plugins named a, b and c.
    static func chain(_ version: String = "1.1.0", _ more: String = "") throws -> NetworkConfigurationList {
        try list(
            #"{"name": "blue", "cniVersion": "\#(version)", \#(more) "plugins": [{"type": "a"}, {"type": "b"}, {"type": "c"}]}"#
        )
    }

    static let web = AttachmentParameters(containerID: "web1", sandboxPath: "/run/netns/web1")
    static let webAttachment = Attachment(network: "blue", containerID: "web1", interfaceName: "eth0")
}
