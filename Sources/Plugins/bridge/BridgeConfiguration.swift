internal import CNI
internal import InterfaceSetup
internal import JSON
internal import Netlink
internal import NetworkAddress
internal import PacketFilterSetup

/// The keys of a network configuration that the bridge plugin understands, checked.
struct BridgeConfiguration: Equatable {
    /// The name of the bridge.
    var bridge: String
    /// Whether the bridge has an address in every network, for containers to send through.
    var isGateway: Bool
    /// Whether containers get a default route to that address.
    var isDefaultGateway: Bool
    /// Whether an address of the bridge that is in the way is replaced.
    var forceAddress: Bool
    /// In bytes; nil leaves it to the plugin.
    var mtu: UInt32?
    /// Whether a container reaches itself by an address that the host translates back.
    var hairpinMode: Bool
    /// Whether the bridge receives everything, which serves the same purpose as `hairpinMode`.
    var promiscMode: Bool
    /// The VLANs of the container's port.
    var vlans: PortVLANs
    /// Whether the port cannot reach other isolated ports, only what is not isolated, such as the host.
    var portIsolation: Bool
    /// Whether the network is asked whether an IPv6 address is free before it is used.
    var enabledad: Bool
    /// Whether the container's interface stays down and without addresses.
    var disableContainerInterface: Bool
    /// Whether a layer-2 attachment goes without IPv6. With addresses of IPv4 only that is always so.
    var disableIPv6: Bool
    /// Whether containers reach the world by the host's addresses.
    var ipMasq: Bool
    /// What does that; nil leaves the choice to the host.
    var ipMasqBackend: PacketFilterBackendName?
    /// Whether the container may send with its own hardware address only.
    var macspoofchk: Bool
    /// Whether it may send with its own addresses only, too. Implies ``macspoofchk``.
    var ipspoofchk: Bool
    var mac: MACAddress?
    var ipamType: String?
    var dns: AttachmentResult.DNS

    init(_ request: RequestConfiguration, _ arguments: CNIArguments) throws {
        let document = request.document
        bridge =
            try document["bridge"].text("the name of a bridge (\(Names.interfaceNameRule))") {
                Names.isInterfaceName($0) ? $0 : nil
            } ?? "cni0"
        isDefaultGateway = try document["isDefaultGateway"].bool() ?? false
        isGateway = try document["isGateway"].bool() ?? false || isDefaultGateway
        forceAddress = try document["forceAddress"].bool() ?? false
        mtu = try document["mtu"].mtu()
        hairpinMode = try document["hairpinMode"].bool() ?? false
        promiscMode = try document["promiscMode"].bool() ?? false
        vlans = try PortVLANs(document)
        portIsolation = try document["portIsolation"].bool() ?? false
        enabledad = try document["enabledad"].bool() ?? false
        disableContainerInterface = try document["disableContainerInterface"].bool() ?? false
        disableIPv6 = try document["disableIPv6"].bool() ?? false
        ipMasq = try document["ipMasq"].bool() ?? false
        ipMasqBackend = try document["ipMasqBackend"].packetFilterBackend()
        ipspoofchk = try document["ipspoofchk"].bool() ?? false
        macspoofchk = try document["macspoofchk"].bool() ?? false || ipspoofchk
        mac = try request.requestedMAC(arguments)
        ipamType = request.ipamType
        dns = request.dns
        try checkCombinations()
        try request.checkIPAMIsNamedIfNeeded()
    }

    private func checkCombinations() throws {
        if hairpinMode && promiscMode {
            throw CNIError(
                .invalidConfiguration, "hairpinMode and promiscMode: expected at most one of them, found both")
        }
        if disableContainerInterface, let ipamType {
            throw CNIError(
                .invalidConfiguration,
                "disableContainerInterface: expected no ipam with it, found ipam.type \(JSONValue.quoted(ipamType))")
        }
        if ipspoofchk && ipamType == nil {
            throw CNIError(
                .invalidConfiguration,
                "ipspoofchk: expected an IPAM plugin that says what the addresses are, found none")
        }
        if ipspoofchk && !vlans.trunk.isEmpty {
            throw CNIError(
                .invalidConfiguration, "ipspoofchk and vlanTrunk: expected at most one of them, found both",
                details: "what tagged frames carry is not looked at")
        }
        if isGateway, let gatewayLink, !Names.isInterfaceName(gatewayLink) {
            throw CNIError(
                .invalidConfiguration,
                "bridge and vlan: expected at most 15 characters in \"<bridge>.<vlan>\", found \(JSONValue.quoted(gatewayLink))"
            )
        }
    }

    /// The link that has the gateway's addresses where that is not the bridge itself: `<bridge>.<vlan>`.
    var gatewayLink: String? {
        vlans.access.map { "\(bridge).\($0)" }
    }

    /// The settings of the container's port.
    var portChange: BridgePortChange {
        // A fresh port has neither; saying so could only fail where a kernel does not know isolation.
        BridgePortChange(isHairpin: hairpinMode ? true : nil, isIsolated: portIsolation ? true : nil)
    }
}
