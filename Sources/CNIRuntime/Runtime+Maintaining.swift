public import CNI
internal import CNIExecution
internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension Runtime {
    /// Removes what is left of attachments that are no longer `living` (GC): deletes those that the cache knows, then
    /// asks every plugin to look for more, from version 1.1.0 on. Does nothing where the network disables it.
    ///
    /// A plugin removes everything that is not in the list, so `living` must be complete; ``livingAttachments(of:)`` is
    /// complete where this cache knows all attachments of the network. Everything runs, and one error lists all
    /// failures.
    public func collectGarbage(of list: NetworkConfigurationList, living: [Attachment]) throws(RuntimeError) {
        if list.disablesGarbageCollection { return }
        var failures: [RuntimeError] = []
        for entry in try cache.entries(ofNetwork: list.name).entries where !living.contains(entry.attachment) {
            let parameters = AttachmentParameters(
                containerID: entry.attachment.containerID, sandboxPath: entry.sandboxPath,
                interfaceName: entry.attachment.interfaceName)
            do throws(RuntimeError) { try delete(parameters, from: list) } catch { failures.append(error) }
        }
        if list.version >= Command.collectGarbage.introduced {
            for plugin in list.plugins {
                var input = PluginInput(plugin, of: list)
                input.add(validAttachments: living)
                do throws(RuntimeError) {
                    try run(plugin, .collectGarbage, .none, input: input)
                } catch {
                    failures.append(error)
                }
            }
        }
        if let error = RuntimeError(failures) { throw error }
    }

    /// The attachments of a network that the cache knows and whose sandbox is still there. One whose sandbox is not
    /// known, or cannot be looked at, counts as living.
    ///
    /// - Throws: when an entry that may be about the network is damaged. It may stand for a living attachment, which
    ///   would be destroyed if it were passed over.
    public func livingAttachments(of network: String) throws(RuntimeError) -> [Attachment] {
        let (entries, damaged) = try cache.entries(ofNetwork: network)
        if let error = RuntimeError(damaged) { throw error }
        return entries.filter { Runtime.mayExist($0.sandboxPath) }.map(\.attachment)
    }

    private static func mayExist(_ path: String) -> Bool {
        if path.isEmpty { return true }
        do throws(NetworkNamespace.Failure) {
            _ = try NetworkNamespace(path: path)
            return true
        } catch {
            // `ip netns del` and a reboot leave nothing, or a plain file where the namespace was mounted.
            switch error {
            case .cannotOpen(.noSuchFileOrDirectory), .cannotOpen(.notDirectory), .notNetworkNamespace: return false
            case .cannotOpen: return true
            }
        }
    }

    /// Asks every plugin whether ADD could work (STATUS), and stops at the first that says no. Asks nobody where the
    /// network's version does not know STATUS.
    public func status(of list: NetworkConfigurationList) throws(RuntimeError) {
        guard list.version >= Command.status.introduced else { return }
        for plugin in list.plugins { try run(plugin, .status, .none, input: PluginInput(plugin, of: list)) }
    }

    /// Asks a plugin which versions it speaks (VERSION).
    public func versions(of plugin: PluginConfiguration) throws(RuntimeError) -> VersionInfo {
        // Old plugins look for these variables even here, though VERSION needs none.
        let variables = Variables(containerID: "dummy", sandboxPath: "dummy", interfaceName: "dummy")
        let input = JSONValue.object(["cniVersion": .string(SpecificationVersion.latest.rawValue)])
        let call = try start(plugin, .version, variables, input: input.text(.compact))
        do throws(CNIError) {
            return try call.versions()
        } catch {
            throw .pluginFailed(type: plugin.type, command: .version, error: error)
        }
    }
}
