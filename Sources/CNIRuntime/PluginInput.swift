internal import CNI
internal import JSON

/// What a plugin gets on its standard input (specification, section 3, "Deriving request configuration").
///
/// It is the plugin's own configuration, with its keys in their order, and what the runtime has to add to it.
struct PluginInput {
    private(set) var document: JSONObject

    init(_ plugin: PluginConfiguration, of list: NetworkConfigurationList) {
        document = plugin.document
        document["cniVersion"] = .string(list.version.rawValue)
        document["name"] = .string(list.name)
    }

    /// Hands over those of the arguments whose capability the plugin declares; `runtimeConfig` is left alone where
    /// there are none.
    mutating func add(capabilityArguments: JSONObject, for plugin: PluginConfiguration) {
        var runtimeConfig = JSONObject()
        for capability in plugin.capabilities {
            if let argument = capabilityArguments[capability] { runtimeConfig[capability] = argument }
        }
        if !runtimeConfig.members.isEmpty { document["runtimeConfig"] = .object(runtimeConfig) }
    }

    mutating func add(prevResult: JSONObject?) {
        if let prevResult { document["prevResult"] = .object(prevResult) }
    }

    /// Lists the living attachments under the key of the specification and under the one that its first print had.
    mutating func add(validAttachments: [Attachment]) {
        let list = JSONValue.array(
            validAttachments.map {
                ["containerID": .string($0.containerID), "ifname": .string($0.interfaceName)]
            })
        document["cni.dev/valid-attachments"] = list
        document["cni.dev/attachments"] = list
    }

    var text: [UInt8] { JSONValue.object(document).text(.compact) }
}
