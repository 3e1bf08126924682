internal import Foundation

/// What not every kernel has; found out by trying, in a namespace that ends with the trial.
public enum KernelFeature: String, CaseIterable, Sendable {
    case bridge = "the link kind bridge"
    case veth = "the link kind veth"
    case dummy = "the link kind dummy"
    case vlan = "the link kind vlan (802.1q)"
    case macvlan = "the link kind macvlan"
    case ipvlan = "the link kind ipvlan"
    case bridgeVLANFiltering = "VLAN filtering on bridges"
    case ipv6 = "IPv6"
    case nftables = "nftables with NAT"
    case legacyIPTables = "the tables of iptables-legacy"

    /// Whether this kernel has it, asked once a run.
    public var isAvailable: Bool { KernelFeature.available.contains(self) }

    private static let available = Set(allCases.filter(\.isFound))

    private var isFound: Bool {
        guard let program = Subprocess.find("unshare") else { return false }
        let outcome = try? Subprocess.run(
            program, ["-n", "sh", "-ec", trial], environment: LabNamespace.systemEnvironment, timeout: 10)
        return outcome?.isSuccess ?? false
    }

    private var trial: String {
        switch self {
        case .bridge: "ip link add t0 type bridge"
        case .veth: "ip link add t0 type veth peer name t1"
        case .dummy: "ip link add t0 type dummy"
        case .vlan: "ip link add t0 type veth peer name t1; ip link add link t0 name t0.5 type vlan id 5"
        case .macvlan: "ip link add t0 type veth peer name t1; ip link add link t0 name t2 type macvlan mode bridge"
        case .ipvlan: "ip link add t0 type veth peer name t1; ip link add link t0 name t2 type ipvlan mode l2"
        case .bridgeVLANFiltering: "ip link add t0 type bridge vlan_filtering 1"
        case .ipv6: "test -d /proc/sys/net/ipv6"
        case .nftables: "nft add table inet t0; nft 'add chain inet t0 c { type nat hook output priority 0; }'"
        case .legacyIPTables: "iptables-legacy -t nat -N t0"
        }
    }
}
