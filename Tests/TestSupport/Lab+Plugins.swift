public import CNI
internal import Foundation
public import JSON

extension Lab {
    /// What a plugin answered.
    public struct Answer: Sendable, CustomStringConvertible {
        public let outcome: Subprocess.Outcome

        public init(outcome: Subprocess.Outcome) { self.outcome = outcome }

        public var isSuccess: Bool { outcome.isSuccess }
        /// What it printed; nil where that is nothing, or not JSON.
        public var json: JSONValue? { try? JSONValue(parsing: outcome.output) }
        public var description: String { outcome.description }

        /// The error that it printed; nil where it printed none.
        public var error: CNIError? {
            guard case .object(let object)? = json else { return nil }
            return CNIError(object)
        }

        /// The result that it printed; throws where it failed, or printed something else.
        public func result() throws -> AttachmentResult {
            guard isSuccess else { throw Subprocess.Failure(description: outcome.description) }
            return try AttachmentResult(JSONField(try JSONValue(parsing: outcome.output)), version: .latest)
        }
    }

    /// Runs a plugin as a runtime does: in the host's namespace, with nothing but the CNI_* variables and PATH in its
    /// environment, the configuration on standard input.
    ///
    /// - Parameters:
    ///   - plugin: the name of an executable of ours, or a path.
    ///   - sandbox: CNI_NETNS; nil stands for the first container.
    ///   - searchPath: CNI_PATH; nil stands for the folder of our executables.
    ///   - variables: further variables, or others in place of the above; an empty value unsets one.
    ///   - prefix: a program that runs it, with its arguments: `["/usr/bin/strace", "-f"]`.
    public func call(
        _ plugin: String, _ command: String, _ configuration: String, sandbox: String? = nil,
        containerID: String = "container-1", interface: String = "eth0", arguments: String? = nil,
        searchPath: String? = nil, variables: [String: String] = [:], prefix: [String] = [],
        timeout: Double = 30
    ) throws -> Answer {
        var environment = [
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "CNI_COMMAND": command, "CNI_CONTAINERID": containerID,
            "CNI_NETNS": sandbox ?? containers.first?.path ?? "", "CNI_IFNAME": interface,
            "CNI_PATH": searchPath ?? Executables.folder,
        ]
        environment["CNI_ARGS"] = arguments
        for (name, value) in variables { environment[name] = value.isEmpty ? nil : value }
        return try call(
            plugin, environmentEntries: environment.map { Array("\($0.key)=\($0.value)".utf8) },
            input: Array(configuration.utf8), prefix: prefix, timeout: timeout)
    }

    /// Runs a plugin in the host's namespace with any environment and any input.
    public func call(
        _ plugin: String, environmentEntries: [[UInt8]], input: [UInt8], prefix: [String] = [], timeout: Double = 30
    ) throws -> Answer {
        let path = plugin.hasPrefix("/") ? plugin : Executables.path(of: plugin)
        // Only the network namespace changes; `ip netns exec` would mount a /sys for each call as well.
        guard let program = Subprocess.find("nsenter") else {
            throw Subprocess.Failure(description: "there is no program nsenter")
        }
        return Answer(
            outcome: try Subprocess.run(
                program, ["--net=" + host.path] + prefix + [path], environmentEntries: environmentEntries, input: input,
                timeout: timeout))
    }
}
