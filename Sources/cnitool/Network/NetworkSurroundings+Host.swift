internal import CNINetworks
internal import CNIRuntime
internal import LinuxSystem
internal import Netlink
internal import NetworkAddress

extension NetworkSurroundings {
    /// What this host has, and the networks of a folder. Files that cannot be read are named.
    init(of folder: ConfigurationFolder) throws {
        self.init()
        let (networks, damaged) = try folder.networks()
        for damage in damaged { StandardStreams.writeError("warning: passing over \(damage)\n") }
        for network in networks { add(network.list, file: network.file) }
        let socket = try NetlinkSocket()
        let links = try socket.links()
        self.links = links.map(\.name)
        let names = Dictionary(links.map { ($0.index, $0.name) }) { $1 }
        for address in try socket.addresses() {
            add(address: address.prefix, of: names[address.link] ?? "\(address.link)")
        }
        for route in try socket.routes(.ipv4, table: nil) + socket.routes(.ipv6, table: nil) {
            let link = route.nextHops.first.map { names[$0.link] ?? "\($0.link)" }
            add(route: route.destination, through: link ?? "none")
        }
    }
}
