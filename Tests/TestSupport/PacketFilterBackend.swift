internal import Foundation

/// By what a plugin makes its rules, and what `iptables` is on that host.
public enum PacketFilterBackend: String, Sendable, CaseIterable, CustomStringConvertible {
    case iptablesNFT = "iptables-nft"
    case iptablesLegacy = "iptables-legacy"
    case nftables = "nftables"

    public var description: String { rawValue }

    /// The ones that make iptables rules.
    public static let iptables: [PacketFilterBackend] = [.iptablesNFT, .iptablesLegacy]

    /// The value of the keys `backend` and `ipMasqBackend`.
    public var key: String { self == .nftables ? "nftables" : "iptables" }

    /// PATH on such a host: a folder of the lab in which `iptables` and its companions are of this variant comes first.
    /// The first call makes it; not for several threads at once.
    public func searchPath(in lab: Lab) throws -> String {
        guard self != .nftables else { return PacketFilterBackend.systemPath }
        let folder = lab.path(rawValue)
        if !FileManager.default.fileExists(atPath: folder) {
            guard let program = Subprocess.find(self == .iptablesNFT ? "xtables-nft-multi" : "xtables-legacy-multi")
            else { throw Subprocess.Failure(description: "there is no \(rawValue)") }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for name in ["iptables", "ip6tables"] {
                for suffix in ["", "-save", "-restore"] {
                    try FileManager.default.createSymbolicLink(
                        atPath: "\(folder)/\(name)\(suffix)", withDestinationPath: program)
                }
            }
        }
        return folder + ":" + PacketFilterBackend.systemPath
    }

    /// What makes rules.
    public enum Maker: String, Sendable {
        case portmap = "inet cni_ports"
        case masquerade = "inet cni_masquerade"
    }

    /// The table in which there must be rules, as ``LabNamespace/filterTables()`` names it.
    public func table(of maker: Maker) -> String {
        switch self {
        case .iptablesNFT: "ip nat"
        case .iptablesLegacy: "iptables-legacy nat"
        case .nftables: maker.rawValue
        }
    }

    private static let systemPath = "/usr/sbin:/usr/bin:/sbin:/bin"
}
