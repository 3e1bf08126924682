import TestSupport
import Testing

/// A chain, and the plugin of it that something happens to.
struct ChainVictim: Sendable, CustomTestStringConvertible {
    let name: String
    /// The plugins, as ``ChainNetwork/plugins`` has them; DATA stands for a folder of the lab.
    let plugins: [(type: String, members: String)]
    let number: Int
    var backend: PacketFilterBackend?

    var testDescription: String { name }
}

extension ChainVictim {
    private static let ipam = #"""
        "ipam": {"type": "host-local", "dataDir": "DATA", "ranges": [[{"subnet": "10.66.0.0/16"}], [{"subnet": "fd66::/64"}]],
        "routes": [{"dst": "0.0.0.0/0"}]}
        """#
    private static let bridge = (type: "bridge", members: #""isDefaultGateway": true, "# + ipam)
    private static let ports = #"""
        "runtimeConfig": {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
        {"hostPort": 5353, "containerPort": 53, "protocol": "udp", "hostIP": "192.0.2.1"}]}
        """#

    private static let tuning = #"""
        "dataDir": "DATA/tuning", "mac": "02:00:00:00:66:01", "mtu": 1400, "promisc": true, "txQLen": 77,
        "sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1", "net.ipv4.ip_default_ttl": "77"}
        """#

    /// All plugins that change something, each in every way that it has.
    static let all: [ChainVictim] =
        [
            ChainVictim(name: "bridge", plugins: [bridge], number: 0),
            ChainVictim(
                name: "macvlan", plugins: [("macvlan", #""master": "wire0", "enabledad": false, "# + ipam)], number: 0),
            ChainVictim(
                name: "macvlan with a host shim",
                plugins: [("macvlan", #""master": "wire0", "enabledad": false, "hostShim": true, "# + ipam)], number: 0),
            ChainVictim(name: "tuning", plugins: [bridge, ("tuning", tuning)], number: 1),
        ]
        + PacketFilterBackend.allCases.flatMap { backend in
            [
                ChainVictim(
                    name: "bridge with ipMasq and ipspoofchk, \(backend)",
                    plugins: [
                        (
                            "bridge",
                            #""isGateway": true, "ipMasq": true, "ipMasqBackend": "\#(backend.key)", "ipspoofchk": true, "#
                                + ipam
                        )
                    ], number: 0, backend: backend),
                ChainVictim(
                    name: "firewall, \(backend)",
                    plugins: [bridge, ("firewall", #""backend": "\#(backend.key)", "ingressPolicy": "isolated""#)],
                    number: 1, backend: backend),
                ChainVictim(
                    name: "portmap, \(backend)",
                    plugins: [bridge, ("portmap", #""backend": "\#(backend.key)", "# + ports)], number: 1,
                    backend: backend),
            ]
        }
}
