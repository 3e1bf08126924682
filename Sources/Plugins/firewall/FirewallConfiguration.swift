internal import CNI
internal import JSON
internal import PacketFilter
internal import PacketFilterSetup

/// The keys of a network configuration that the firewall plugin understands, checked.
struct FirewallConfiguration: Equatable {
    /// Who is told what to let through.
    enum Backend: Equatable {
        /// The kernel, one way or the other; nil: the one that suits the host.
        case packetFilter(PacketFilterBackendName?)
        /// The service firewalld.
        case firewalld
    }

    /// Which containers reach those of the network.
    enum IngressPolicy: String, CaseIterable {
        case open
        case sameBridge = "same-bridge"
        case isolated
    }

    /// Nil: firewalld where it runs, else the kernel.
    let backend: Backend?
    let ingressPolicy: IngressPolicy
    /// The chain of the administrator.
    let adminChain: ChainName
    /// The zone of firewalld to which containers are added.
    let firewalldZone: String

    init(_ request: RequestConfiguration) throws(JSONError) {
        let document = request.document
        backend = try document["backend"].text("\"iptables\", \"nftables\" or \"firewalld\"") { name in
            name == "firewalld" ? .firewalld : PacketFilterBackendName(rawValue: name).map { .packetFilter($0) }
        }
        ingressPolicy =
            try document["ingressPolicy"].text(
                "\"open\", \"same-bridge\" or \"isolated\"", IngressPolicy.init(rawValue:)) ?? .open
        adminChain =
            try document["iptablesAdminChainName"].text(
                "the name of a chain of the administrator's own (\(ChainName.rule))"
            ) { name in
                ChainName(name).flatMap { ContainerAdmission.isReserved($0) ? nil : $0 }
            } ?? .administrators
        firewalldZone =
            try document["firewalldZone"].text("the name of a zone of firewalld") {
                FirewallConfiguration.isZone($0) ? $0 : nil
            } ?? "trusted"
    }

    /// As firewalld has them: letters, digits, `_`, `-` and `/` between others. How long they may be is firewalld's to say.
    private static func isZone(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x5F || byte == 0x2D || byte == 0x2F
        }
        return isPlain && name.utf8.count <= 128 && name.first != "/" && name.last != "/"
    }
}
