internal import CNI
internal import CNIPlugin
internal import Netlink
internal import NetworkAddress
internal import PacketFilter
internal import PacketFilterSetup

/// What the packet filter does for one attachment: masquerading, and keeping it to its own addresses.
struct AttachmentProtection {
    private let owner: RuleOwner
    private let configuration: BridgeConfiguration
    private let filters: any PacketFilterAccess

    init(_ attachment: Attachment, _ configuration: BridgeConfiguration, _ filters: any PacketFilterAccess) {
        owner = RuleOwner(attachment)
        self.configuration = configuration
        self.filters = filters.connected
    }

    /// Keeps a link to its container's addresses from the first frame on: before it is up, and before IPAM has said what the
    /// addresses are. Until then there are none.
    func guardLink(_ link: String, mac: MACAddress?, _ rollback: Rollback) throws {
        guard let pinning = pinning([], link: link, mac: mac) else { return }
        try filters.spoofChecker.pin(pinning)
        rollback.onFailure("stop the spoof check") { try filters.spoofChecker.unpin(owner) }
    }

    /// Makes what the network wants for a container with these addresses.
    func apply(_ addresses: [IPPrefix], link: String, mac: MACAddress?, _ rollback: Rollback) throws {
        if configuration.ipspoofchk, let pinning = pinning(addresses, link: link, mac: mac) {
            try filters.spoofChecker.pin(pinning)
        }
        if let masquerading = masquerading(addresses) {
            let backend = filters.backend(configuration.ipMasqBackend)
            try backend.masquerade(masquerading)
            rollback.onFailure("stop masquerading") { try backend.stopMasquerading(owner) }
        }
    }

    /// Checks that everything is as ``apply(_:link:mac:_:)`` made it.
    func check(_ addresses: [IPPrefix], link: String, mac: MACAddress?) throws {
        if let pinning = pinning(addresses, link: link, mac: mac) { try filters.spoofChecker.check(pinning) }
        if let masquerading = masquerading(addresses) {
            try filters.backend(configuration.ipMasqBackend).check(masquerading)
        }
    }

    private func pinning(_ addresses: [IPPrefix], link: String, mac: MACAddress?) -> LinkPinning? {
        guard configuration.macspoofchk, let mac else { return nil }
        return LinkPinning(
            owner: owner, link: link, mac: mac, addresses: configuration.ipspoofchk ? addresses.map(\.address) : nil)
    }

    private func masquerading(_ addresses: [IPPrefix]) -> Masquerading? {
        guard configuration.ipMasq, !addresses.isEmpty else { return nil }
        let link = configuration.isGateway ? configuration.gatewayLink : nil
        return Masquerading(owner: owner, addresses: addresses, link: link ?? configuration.bridge)
    }
}
