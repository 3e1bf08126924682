public import CNI
internal import CNIExecution
internal import JSON

extension Runtime {
    /// Attaches a container (ADD): runs the chain in order, each plugin with the result of the one before it, and
    /// remembers the last result, which is returned.
    ///
    /// When a plugin fails, those that were called are called with DEL, last one first, and the first error is thrown:
    /// nothing is left behind.
    ///
    /// - Throws: ``RuntimeError/alreadyAttached(_:)`` before anything is run; the specification forbids a second ADD,
    ///   and taking it back would take the first one with it.
    public func add(
        _ parameters: AttachmentParameters, to list: NetworkConfigurationList
    ) throws(RuntimeError) -> PluginResult {
        let request = try Request(parameters, list, cached: nil)
        if try cache.contains(request.attachment) { throw .alreadyAttached(request.attachment) }
        var result: PluginResult?
        var called = 0
        for plugin in list.plugins {
            do throws(RuntimeError) {
                let input = request.input(plugin, prevResult: result?.document)
                let call = try start(plugin, .add, request.variables, input: input.text)
                called += 1
                result = try self.result(of: call, request)
            } catch {
                undo(list.plugins[..<called], request, prevResult: result)
                throw error
            }
        }
        guard let result else {
            throw .invalidParameter(name: "network \(list.name)", expected: "at least one plugin", found: "none")
        }
        do throws(RuntimeError) {
            try cache.store(request.entry(result.document))
        } catch {
            undo(list.plugins[...], request, prevResult: result)
            throw error
        }
        return result
    }

    /// Finds out whether an attachment is still as ADD left it (CHECK): runs the chain in order, each plugin with the
    /// result of the whole chain, and stops at the first failure. Does nothing where the network disables it.
    public func check(
        _ parameters: AttachmentParameters, on list: NetworkConfigurationList
    ) throws(RuntimeError) {
        guard list.version >= Command.check.introduced else {
            throw .checkNotSupported(network: list.name, version: list.version)
        }
        if list.disablesCheck { return }
        let attachment = try parameters.attachment(to: list.name)
        guard let cached = try cache.entry(of: attachment) else { throw .notAttached(attachment) }
        let request = try Request(parameters, list, cached: cached)
        let prevResult = try prevResult(cached, list.version)
        for plugin in list.plugins {
            try run(plugin, .check, request.variables, input: request.input(plugin, prevResult: prevResult))
        }
    }

    /// Detaches a container (DEL): runs the whole chain from its end, each plugin with the result of the whole chain,
    /// and then forgets the attachment.
    ///
    /// All plugins run, whatever happens to the others, and one error lists all failures; the attachment is then still
    /// remembered, to be deleted again. A damaged entry of the cache counts as absent, with a warning.
    public func delete(
        _ parameters: AttachmentParameters, from list: NetworkConfigurationList
    ) throws(RuntimeError) {
        let attachment = try parameters.attachment(to: list.name)
        var cached: CachedAttachment?
        var result: JSONObject?
        do throws(RuntimeError) {
            cached = try cache.entry(of: attachment)
            result = try cached.map { entry throws(RuntimeError) in try prevResult(entry, list.version) }
        } catch {
            warn("going on without the cached result, because it is damaged: \(error)")
        }
        let request = try Request(parameters, list, cached: cached)
        let failures = delete(list.plugins[...], request, prevResult: list.version >= .v0_4_0 ? result : nil)
        if let error = RuntimeError(failures) { throw error }
        try cache.remove(attachment)
    }

    private func result(of call: PluginCall, _ request: Request) throws(RuntimeError) -> PluginResult {
        do throws(CNIError) {
            return try call.result(version: request.list.version)
        } catch {
            throw .pluginFailed(type: call.type, command: call.command, error: error)
        }
    }

    /// Takes an unfinished ADD back. What fails in that must not hide the error that made it necessary.
    private func undo(_ plugins: ArraySlice<PluginConfiguration>, _ request: Request, prevResult: PluginResult?) {
        let prevResult = request.list.version >= .v0_4_0 ? prevResult?.document : nil
        for failure in delete(plugins, request, prevResult: prevResult) {
            warn("taking back the unfinished ADD: \(failure)")
        }
    }

    /// Runs DEL of all plugins, last one first; returns the failures.
    private func delete(
        _ plugins: ArraySlice<PluginConfiguration>, _ request: Request, prevResult: JSONObject?
    ) -> [RuntimeError] {
        var failures: [RuntimeError] = []
        for plugin in plugins.reversed() {
            do throws(RuntimeError) {
                try run(plugin, .delete, request.variables, input: request.input(plugin, prevResult: prevResult))
            } catch {
                failures.append(error)
            }
        }
        return failures
    }

    /// The cached result as plugins get it: as it is where it has the network's version, and converted where the
    /// network's configuration has changed since ADD.
    private func prevResult(
        _ cached: CachedAttachment, _ version: SpecificationVersion
    ) throws(RuntimeError) -> JSONObject {
        if cached.result["cniVersion"] == .string(version.rawValue) { return cached.result }
        do {
            let result = try AttachmentResult(JSONField(.object(cached.result)), version: version)
            return try JSONField(result.json(version: version)).object() ?? [:]
        } catch {
            throw .cache(path: "\(cache.path)/\(ResultCache.fileName(cached.attachment))", reason: "result: \(error)")
        }
    }
}

/// Everything that the calls about one attachment have in common.
private struct Request {
    let attachment: Attachment
    let list: NetworkConfigurationList
    let variables: Variables
    let capabilityArguments: JSONObject

    /// What the parameters leave open is as it was in ADD.
    init(
        _ parameters: AttachmentParameters, _ list: NetworkConfigurationList, cached: CachedAttachment?
    ) throws(RuntimeError) {
        self.list = list
        attachment = try parameters.attachment(to: list.name)
        variables = Variables(
            containerID: parameters.containerID, sandboxPath: parameters.sandboxPath,
            interfaceName: parameters.interfaceName, arguments: parameters.arguments ?? cached?.arguments ?? .none)
        capabilityArguments = parameters.capabilityArguments ?? cached?.capabilityArguments ?? [:]
    }

    func input(_ plugin: PluginConfiguration, prevResult: JSONObject?) -> PluginInput {
        var input = PluginInput(plugin, of: list)
        input.add(capabilityArguments: capabilityArguments, for: plugin)
        input.add(prevResult: prevResult)
        return input
    }

    func entry(_ result: JSONObject) -> CachedAttachment {
        CachedAttachment(
            attachment: attachment, sandboxPath: variables.sandboxPath, arguments: variables.arguments,
            capabilityArguments: capabilityArguments,
            configuration: JSONValue.object(list.document).text(.compact), result: result)
    }
}
