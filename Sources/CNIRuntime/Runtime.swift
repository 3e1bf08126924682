internal import CNI
internal import CNIExecution
internal import JSON
public import LinuxSystem

/// Attaches containers to networks by running the networks' chains of plugins (specification, section 3).
///
///     let network = try ConfigurationFolder("/etc/cni/net.d").network(named: "blue").list
///     let runtime = Runtime(pluginFolders: ["/opt/cni/bin"])
///     let container = AttachmentParameters(containerID: "web1", sandboxPath: "/run/netns/web1")
///
///     let result = try runtime.add(container, to: network)
///     print(result.value.ips.map(\.address))
///     try runtime.check(container, on: network)
///     try runtime.delete(container, from: network)
///
/// What was attached is remembered in a ``ResultCache``, which other runtimes can read too. A runtime is a value
/// without state of its own: make one wherever it is needed. Calls wait for the plugins, and calls about the same
/// attachment must not overlap, as the specification asks. A test hands in its own ``ProgramRunner`` and needs neither
/// plugins nor rights.
public struct Runtime {
    /// Where plugins are looked for, first match first (CNI_PATH).
    public var pluginFolders: [String]
    public var cache: ResultCache
    /// The environment of the plugins, beside the variables of the specification.
    public var environment: ProcessEnvironment
    public var runner: any ProgramRunner
    /// Told about what is wrong but need not stop the work, one sentence at a time.
    public var warn: (String) -> Void

    public init(
        pluginFolders: [String], cache: ResultCache = ResultCache(),
        environment: ProcessEnvironment = .current, runner: any ProgramRunner = SystemProgramRunner(),
        warn: @escaping (String) -> Void = { StandardStreams.writeError("warning: \($0)\n") }
    ) {
        self.pluginFolders = pluginFolders
        self.cache = cache
        self.environment = environment
        self.runner = runner
        self.warn = warn
    }

    /// Starts a plugin with the environment that the specification gives it.
    func start(
        _ plugin: PluginConfiguration, _ command: Command, _ variables: Variables, input: [UInt8]
    ) throws(RuntimeError) -> PluginCall {
        do throws(CNIError) {
            return try PluginCall(
                plugin.type, command, in: pluginFolders,
                environment: variables.environment(from: environment, pluginFolders: pluginFolders), input: input,
                runner: runner)
        } catch {
            throw .pluginFailed(type: plugin.type, command: command, error: error)
        }
    }

    /// Runs a command that answers nothing but success or failure.
    func run(
        _ plugin: PluginConfiguration, _ command: Command, _ variables: Variables, input: PluginInput
    ) throws(RuntimeError) {
        let call = try start(plugin, command, variables, input: input.text)
        do throws(CNIError) {
            try call.finish()
        } catch {
            throw .pluginFailed(type: plugin.type, command: command, error: error)
        }
    }
}

/// The variables of the specification that say what a call is about; all of them are always set.
struct Variables {
    var containerID = ""
    var sandboxPath = ""
    var interfaceName = ""
    var arguments = CNIArguments.none

    /// For commands that are about a network and not about a container.
    static let none = Variables()

    func environment(from base: ProcessEnvironment, pluginFolders: [String]) -> ProcessEnvironment {
        var environment = base
        environment["CNI_CONTAINERID"] = containerID
        environment["CNI_NETNS"] = sandboxPath
        environment["CNI_ARGS"] = arguments.description
        environment["CNI_IFNAME"] = interfaceName
        environment["CNI_PATH"] = pluginFolders.joined(separator: ":")
        return environment
    }
}
