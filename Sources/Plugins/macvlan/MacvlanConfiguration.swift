internal import CNI
internal import InterfaceSetup
internal import JSON
internal import Netlink
internal import NetworkAddress

/// The keys of a network configuration that the macvlan plugin understands, checked.
struct MacvlanConfiguration: Equatable {
    /// The name of the link that containers are on; nil: the link of the default route, or of a plugin before this one.
    var master: String?
    /// Whom containers on the same link reach.
    var mode: MacvlanSettings.Mode
    /// In bytes; nil: the master's.
    var mtu: UInt32?
    /// Whether the master is in the container, not on the host.
    var linkInContainer: Bool
    /// How many broadcasts may wait to be copied; nil: the kernel's default.
    var bcqueuelen: UInt32?
    /// Whether the network is asked whether an IPv6 address is free before it is used.
    var enabledad: Bool
    /// Whether containers go without IPv6.
    var disableIPv6: Bool
    /// Whether the host has a link of its own on the network, by which it and the containers reach each other.
    var hostShim: Bool
    var mac: MACAddress?
    var ipamType: String?
    var dns: AttachmentResult.DNS

    init(_ request: RequestConfiguration, _ arguments: CNIArguments) throws {
        let document = request.document
        master = try document["master"].text("the name of a link (\(Names.interfaceNameRule))") {
            Names.isInterfaceName($0) ? $0 : nil
        }
        let modes = MacvlanSettings.Mode.allCases.map(\.rawValue).joined(separator: ", ")
        mode = try document["mode"].text("one of \(modes)", MacvlanSettings.Mode.init(rawValue:)) ?? .bridge
        mtu = try document["mtu"].mtu()
        linkInContainer = try document["linkInContainer"].bool() ?? false
        let queueLength: UInt32? = try document["bcqueuelen"].integer(in: 0...UInt32.max)
        bcqueuelen = queueLength == 0 ? nil : queueLength
        // On a network that others are on too, an address may be somebody's already.
        enabledad = try document["enabledad"].bool() ?? true
        disableIPv6 = try document["disableIPv6"].bool() ?? false
        hostShim = try document["hostShim"].bool() ?? false
        mac = try request.requestedMAC(arguments)
        ipamType = request.ipamType
        dns = request.dns
        try checkHostShim()
        try request.checkIPAMIsNamedIfNeeded()
    }

    private func checkHostShim() throws(CNIError) {
        if !hostShim { return }
        if mode != .bridge {
            throw CNIError(.invalidConfiguration, "hostShim: expected mode bridge with it, found \(mode.rawValue)")
        }
        if linkInContainer {
            throw CNIError(
                .invalidConfiguration, "hostShim and linkInContainer: expected at most one of them, found both")
        }
        if ipamType == nil {
            throw CNIError(
                .invalidConfiguration,
                "hostShim: expected an IPAM plugin, which also gives the host an address, found none")
        }
    }

    var settings: MacvlanSettings { MacvlanSettings(mode: mode, broadcastQueueLength: bcqueuelen) }
}
