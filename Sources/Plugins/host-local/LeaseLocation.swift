internal import CNI
internal import JSON

/// Where the leases of one network are kept. DEL and GC need to know no more than this.
struct LeaseLocation: Hashable, Sendable, CustomStringConvertible {
    /// The directory that holds one directory for each network; an absolute path.
    let dataDirectory: String
    let network: String

    static let defaultDataDirectory = "/var/lib/cni/networks"

    init(dataDirectory: String, network: String) {
        self.dataDirectory = dataDirectory
        self.network = network
    }

    init(_ configuration: RequestConfiguration) throws {
        dataDirectory =
            try configuration.document["ipam"]["dataDir"].text("an absolute path") { $0.hasPrefix("/") ? $0 : nil }
            ?? LeaseLocation.defaultDataDirectory
        network = configuration.network
    }

    var description: String { "\(dataDirectory)/\(network)" }
}
