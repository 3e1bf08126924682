public import CNI
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// A folder of network configurations, such as /etc/cni/net.d.
///
/// Lists (`.conflist`) come before single plugins (`.conf`, `.json`); among each the file names decide, byte by byte.
public struct ConfigurationFolder: Sendable {
    public let path: String

    public init(_ path: String) {
        self.path = path
    }

    /// A network that was found.
    public struct Network: Equatable, Sendable {
        public let list: NetworkConfigurationList
        /// The path of the file that describes it.
        public let file: String
        /// Files that cannot be read and come earlier: had they been readable, one of them might have been the network.
        public let damaged: [RuntimeError]
    }

    /// The first network of that name, with the plugins of the folder of the same name unless the list says that its
    /// own are all.
    ///
    /// A file that cannot be read does not hide the network in another one.
    public func network(named name: String) throws(RuntimeError) -> Network {
        var damaged: [RuntimeError] = []
        for file in try files() {
            let document: JSONField
            do throws(RuntimeError) {
                document = try ConfigurationFolder.document(file)
            } catch {
                damaged.append(error)
                continue
            }
            guard case .string(let found)? = (try? document["name"])?.value, found == name else { continue }
            let list = try reading(file) { () throws in try ConfigurationFolder.list(document, file) }
            return Network(list: try withSiblings(list, file), file: file, damaged: damaged)
        }
        throw .networkNotFound(name: name, folder: path, damaged: damaged.map(\.description))
    }

    /// Every network that can be read, in order, each name once, and what is wrong with the other files.
    public func networks() throws(RuntimeError) -> (networks: [Network], damaged: [RuntimeError]) {
        var networks: [Network] = []
        var damaged: [RuntimeError] = []
        for file in try files() {
            do throws(RuntimeError) {
                let document = try ConfigurationFolder.document(file)
                let list = try reading(file) { () throws in try ConfigurationFolder.list(document, file) }
                if networks.contains(where: { $0.list.name == list.name }) { continue }
                networks.append(Network(list: try withSiblings(list, file), file: file, damaged: damaged))
            } catch {
                damaged.append(error)
            }
        }
        return (networks, damaged)
    }

    /// The paths of all configurations, in the order in which they count.
    private func files() throws(RuntimeError) -> [String] {
        let names = try ConfigurationFolder.names(in: path)
        let lists = names.filter { ConfigurationFolder.isList($0) }
        let singles = names.filter { $0.hasSuffix(".conf") || $0.hasSuffix(".json") }
        return (lists + singles).map { "\(path)/\($0)" }
    }

    private static func isList(_ name: String) -> Bool { name.hasSuffix(".conflist") }

    /// The sorted names in a folder; none where there is no such folder.
    private static func names(in folder: String) throws(RuntimeError) -> [String] {
        do throws(Errno) {
            return try Directory(folder).names().sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        } catch .noSuchFileOrDirectory {
            return []
        } catch {
            throw .invalidConfiguration(file: folder, reason: "\(error)")
        }
    }

    /// The document in a file, which must be an object.
    private static func document(_ file: String) throws(RuntimeError) -> JSONField {
        try reading(file) { () throws in
            let value = try JSONValue(parsing: try Files.contents(of: file))
            let field = JSONField(value)
            _ = try field.object()
            return field
        }
    }

    private static func list(_ document: JSONField, _ file: String) throws -> NetworkConfigurationList {
        if isList(file) { return try NetworkConfigurationList(document) }
        if try document["type"].isAbsent, try !document["plugins"].isAbsent {
            throw try document["type"].error(
                expected: "the one plugin of this network (a list of plugins belongs into a .conflist file)")
        }
        return try NetworkConfigurationList(wrapping: document)
    }

    /// The list with the plugins of the folder of its name appended, where it wants them.
    private func withSiblings(
        _ list: NetworkConfigurationList, _ file: String
    ) throws(RuntimeError) -> NetworkConfigurationList {
        if list.loadsOnlyInlinedPlugins { return list }
        let folder = "\(path)/\(list.name)"
        var siblings: [PluginConfiguration] = []
        for name in try ConfigurationFolder.names(in: folder) where name.hasSuffix(".conf") {
            let file = "\(folder)/\(name)"
            let document = try ConfigurationFolder.document(file)
            siblings.append(try reading(file) { () throws in try PluginConfiguration(document) })
        }
        var list = list
        list.append(siblings)
        guard !list.plugins.isEmpty else {
            throw .invalidConfiguration(
                file: file, reason: "plugins: expected a list of plugins here or files in \(folder), found nothing")
        }
        return list
    }
}

/// Runs `read` and turns what it throws into an error that names the file.
private func reading<Value>(_ file: String, _ read: () throws -> Value) throws(RuntimeError) -> Value {
    do {
        return try read()
    } catch {
        let reason = (error as? Errno).map { $0 == .invalidArgument ? "not a regular file" : "\($0)" } ?? "\(error)"
        throw .invalidConfiguration(file: file, reason: reason)
    }
}
