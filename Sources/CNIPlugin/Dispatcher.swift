internal import CNI
internal import JSON
internal import LinuxSystem

/// Turns a call of a plugin into a call of one of its methods, and what that returns or throws into an outcome.
///
/// Everything that can be refused without knowing the plugin is refused here, before the plugin is asked.
public struct Dispatcher<Called: Plugin> {
    private let plugin: Called

    public init(_ plugin: Called) {
        self.plugin = plugin
    }

    public func run(_ execution: Execution) -> Outcome {
        let name = execution.environment["CNI_COMMAND"] ?? ""
        guard !name.isEmpty else { return about }
        do {
            guard let command = Command(rawValue: name) else {
                let known = Command.allCases.map(\.rawValue).joined(separator: ", ")
                throw CNIError(
                    .invalidEnvironment, "CNI_COMMAND: expected one of \(known), found \(JSONValue.quoted(name))")
            }
            return Outcome(output: try run(command, execution).map { $0.text() + [UInt8(ascii: "\n")] } ?? [])
        } catch {
            let version = requestedVersion(execution.input)
            return Outcome(
                output: CNIError(reporting: error).json(version: version).text() + [UInt8(ascii: "\n")], status: 1)
        }
    }

    /// What a person sees who starts a plugin by hand.
    private var about: Outcome {
        let versions = SpecificationVersion.allCases.map(\.rawValue).joined(separator: ", ")
        return Outcome(message: "\(Called.summary)\nCNI protocol versions supported: \(versions)\n")
    }

    /// The version in which to answer when something is wrong with the request.
    private func requestedVersion(_ input: [UInt8]) -> SpecificationVersion {
        guard let value = try? JSONValue(parsing: input),
            let version = try? RequestConfiguration.version(of: JSONField(value))
        else { return .latest }
        return version
    }

    /// Runs one command; what it prints, if anything.
    private func run(_ command: Command, _ execution: Execution) throws -> JSONValue? {
        if command == .version { return VersionInfo(version: versionToAnswer(execution.input)).json }
        let parameters = try Parameters(execution.environment, for: command)
        let configuration = try RequestConfiguration(
            execution.input, isRemoving: command == .delete || command == .collectGarbage)
        guard configuration.version >= command.introduced else {
            throw CNIError(
                .incompatibleVersion,
                "\(command.rawValue) needs cniVersion \(command.introduced) or newer, the configuration has \(configuration.version)"
            )
        }
        switch command {
        case .add:
            return try add(try attachRequest(parameters, configuration, execution))
        case .check:
            try plugin.check(try attachRequest(parameters, configuration, execution))
        case .delete:
            try delete(parameters, configuration, execution)
        case .status:
            try plugin.status(NetworkRequest(configuration: configuration, execution: execution))
        case .collectGarbage:
            guard let living = configuration.validAttachments else { break }
            let request = NetworkRequest(configuration: configuration, execution: execution)
            try plugin.collectGarbage(request, living: Set(living))
        case .version: break
        }
        return nil
    }

    /// The version that VERSION was asked in; a request that names none, or that is no request, gets the newest.
    private func versionToAnswer(_ input: [UInt8]) -> SpecificationVersion {
        guard let value = try? JSONValue(parsing: input), let text = try? JSONField(value)["cniVersion"].string(),
            let version = SpecificationVersion(rawValue: text)
        else { return .latest }
        return version
    }

    private func attachRequest(
        _ parameters: Parameters, _ configuration: RequestConfiguration, _ execution: Execution
    ) throws -> AttachRequest {
        let sandbox = try Sandbox(opening: parameters.sandboxPath)
        if !parameters.allowsOwnNamespace && sandbox.isOwnNamespace { throw ownNamespaceError(sandbox) }
        return AttachRequest(
            attachment: attachment(parameters, configuration), sandbox: sandbox, arguments: parameters.arguments,
            configuration: configuration, execution: execution)
    }

    /// Runs ADD. A result that cannot be told in the version asked for is taken back.
    private func add(_ request: AttachRequest) throws -> JSONValue {
        let result = try plugin.add(request)
        do {
            return try result.json(version: request.configuration.version)
        } catch {
            try? plugin.delete(
                DetachRequest(
                    attachment: request.attachment, sandbox: request.sandbox, arguments: request.arguments,
                    configuration: request.configuration, execution: request.execution))
            throw error
        }
    }

    /// Runs DEL. A sandbox that is gone is no error; one that is this process's own namespace must not be touched, but
    /// what the attachment holds on the host is released before that is reported.
    private func delete(
        _ parameters: Parameters, _ configuration: RequestConfiguration, _ execution: Execution
    ) throws {
        var sandbox = parameters.sandboxPath.isEmpty ? nil : try? Sandbox(opening: parameters.sandboxPath)
        var refusal: CNIError?
        if let opened = sandbox, !parameters.allowsOwnNamespace, opened.isOwnNamespace {
            refusal = ownNamespaceError(opened)
            sandbox = nil
        }
        try plugin.delete(
            DetachRequest(
                attachment: attachment(parameters, configuration), sandbox: sandbox, arguments: parameters.arguments,
                configuration: configuration, execution: execution))
        if let refusal { throw refusal }
    }

    private func attachment(_ parameters: Parameters, _ configuration: RequestConfiguration) -> Attachment {
        Attachment(
            network: configuration.network, containerID: parameters.containerID, interfaceName: parameters.interfaceName
        )
    }

    private func ownNamespaceError(_ sandbox: Sandbox) -> CNIError {
        CNIError(
            .sandboxIsOwnNamespace,
            "CNI_NETNS: \(sandbox.path) is the network namespace that the plugin itself runs in",
            details: "set CNI_NETNS_OVERRIDE=1 to allow that")
    }
}
