internal import CNI
internal import InterfaceSetup
internal import JSON

/// The keys of a network configuration that the tuning plugin understands, checked.
struct TuningConfiguration: Equatable {
    /// What the container's interface shall have.
    var link = LinkSettings()
    /// The kernel parameters of the container to set, in order.
    var sysctls: [RequestedSysctl]
    /// Where the values are kept that the interface had before.
    var dataDirectory: String

    /// What the configuration itself says counts least, then `MAC` of CNI_ARGS, then `runtimeConfig`; most counts
    /// `args.cni`.
    init(_ request: RequestConfiguration, _ arguments: CNIArguments, interfaceName: String) throws {
        let document = request.document
        for key in LinkSettings.Key.allCases { try link.read(key, wantedBy: document) }
        if let mac = try arguments.mac() { link.mac = mac }
        try link.read(.mac, wantedBy: try document["runtimeConfig"])
        for key in LinkSettings.Key.allCases { try link.read(key, wantedBy: try document["args"]["cni"]) }
        sysctls = try RequestedSysctl.list(document, interfaceName: interfaceName)
        dataDirectory = try TuningConfiguration.dataDirectory(request)
    }

    /// `dataDir` alone, which is all that DEL and GC need.
    static func dataDirectory(_ request: RequestConfiguration) throws(JSONError) -> String {
        try request.document["dataDir"].text("an absolute path") { path in
            path.hasPrefix("/") && !path.utf8.contains(0) ? path : nil
        } ?? "/run/cni/tuning"
    }
}
