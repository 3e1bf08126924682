internal import ArgumentParser
internal import CNI
internal import CNIContainers
internal import CNIRuntime
internal import JSON
internal import LinuxSystem

/// What the environment of the tool says. An empty variable counts as one that is not set.
struct Settings {
    let configurations: ConfigurationFolder
    let pluginFolders: [String]
    /// The folder of the records of containers.
    let state: String
    let interfaceName: String
    /// Nil where none are given.
    let arguments: CNIArguments?
    /// Nil where none are given.
    let capabilityArguments: JSONObject?

    init(_ environment: ProcessEnvironment) throws {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        configurations = ConfigurationFolder(value("NETCONFPATH") ?? "/etc/cni/net.d")
        state = value("CNITOOL_STATE") ?? ContainerStore.defaultPath
        pluginFolders = (value("CNI_PATH") ?? "/opt/cni/bin").split(separator: ":").map(String.init)
        interfaceName = value("CNI_IFNAME") ?? "eth0"
        arguments = try value("CNI_ARGS").map { try Settings.arguments($0) }
        capabilityArguments = try value("CAP_ARGS").map { try Settings.capabilityArguments($0) }
    }

    /// The network of that name, and a runtime to work on it. Files that have to be passed over are named.
    func network(
        named name: String, cache: String = ResultCache.defaultPath
    ) throws -> (list: NetworkConfigurationList, runtime: Runtime) {
        let (found, runtime) = try found(name, cache: cache)
        return (found.list, runtime)
    }

    /// The same, with the file that describes the network.
    func found(
        _ name: String, cache: String
    ) throws -> (network: ConfigurationFolder.Network, runtime: Runtime) {
        let found: ConfigurationFolder.Network
        do throws(RuntimeError) {
            found = try configurations.network(named: name)
        } catch {
            guard case .networkNotFound = error else { throw error }
            throw Failure("\(error): check the name, or set NETCONFPATH to the folder that has it")
        }
        let runtime = Runtime(pluginFolders: pluginFolders, cache: ResultCache(cache))
        for damage in found.damaged { runtime.warn("passing over \(damage)") }
        return (found, runtime)
    }

    private static func arguments(_ text: String) throws -> CNIArguments {
        do throws(CNIError) {
            return try CNIArguments(text)
        } catch {
            throw ValidationError(error.description)
        }
    }

    private static func capabilityArguments(_ text: String) throws -> JSONObject {
        do throws(JSONError) {
            return try JSONField(try JSONValue(parsing: Array(text.utf8))).object() ?? [:]
        } catch {
            throw ValidationError(
                "CAP_ARGS: expected one JSON object, such as {\"mac\": \"c2:11:22:33:44:55\"}: \(error)")
        }
    }
}
