internal import CNetlink
internal import Glibc
internal import SystemPackage

/// VLANs that a bridge's port belongs to (`bridge vlan show`).
public struct BridgeVLAN: Equatable, Hashable, Sendable {
    /// From 1 to 4094.
    public var identifiers: ClosedRange<UInt16>
    /// Whether frames without a tag that come in belong to it. One identifier only.
    public var isPortDefault: Bool
    /// Whether frames leave without a tag.
    public var isUntagged: Bool

    public init(_ identifiers: ClosedRange<UInt16>, isPortDefault: Bool = false, isUntagged: Bool = false) {
        self.identifiers = identifiers
        self.isPortDefault = isPortDefault
        self.isUntagged = isUntagged
    }

    /// The VLAN that every port of a bridge is in unless somebody says otherwise.
    public static let kernelDefault = BridgeVLAN(1...1, isPortDefault: true, isUntagged: true)

    fileprivate var flags: UInt16 {
        (isPortDefault ? UInt16(BRIDGE_VLAN_INFO_PVID) : 0) | (isUntagged ? UInt16(BRIDGE_VLAN_INFO_UNTAGGED) : 0)
    }
}

extension NetlinkSocket {
    public func add(_ vlans: [BridgeVLAN], toPort link: Link) throws(NetlinkError) {
        try connection.perform("add VLANs to port \(link.name)", portMessage(RTM_SETLINK, vlans, link))
    }

    public func delete(_ vlans: [BridgeVLAN], fromPort link: Link) throws(NetlinkError) {
        try connection.perform("delete VLANs from port \(link.name)", portMessage(RTM_DELLINK, vlans, link))
    }

    private func portMessage(_ type: Int, _ vlans: [BridgeVLAN], _ link: Link) -> NetlinkMessage {
        var header = ifinfomsg(index: link.index)
        header.ifi_family = UInt8(AF_BRIDGE)
        let message = NetlinkMessage(type, header, capacity: 64 + vlans.count * 16)
        message.nest(IFLA_AF_SPEC) { message in
            for vlan in vlans { vlan.append(to: message) }
        }
        return message
    }

    public func vlans(ofPort link: Link) throws(NetlinkError) -> [BridgeVLAN] {
        let spans = try connection.dump("list the VLANs of port \(link.name)") {
            var header = br_vlan_msg()
            header.family = UInt8(AF_BRIDGE)
            header.ifindex = UInt32(bitPattern: link.index)
            return NetlinkMessage(RTM_GETVLAN, header)
        } _: { reply -> [BridgeVLAN]? in
            guard reply.type == RTM_NEWVLAN, let header = reply.structure(br_vlan_msg.self),
                header.ifindex == UInt32(bitPattern: link.index)
            else { return nil }
            return reply.attributes(after: br_vlan_msg.self).all(BRIDGE_VLANDB_ENTRY).compactMap(BridgeVLAN.init)
        }
        return spans.flatMap { $0 }
    }
}

extension BridgeVLAN {
    /// One entry, or the two that begin and end a range.
    fileprivate func append(to message: borrowing NetlinkMessage) {
        var information = bridge_vlan_info(flags: flags, vid: identifiers.lowerBound)
        if identifiers.count == 1 {
            message.append(IFLA_BRIDGE_VLAN_INFO, structure: information)
            return
        }
        information.flags = flags | UInt16(BRIDGE_VLAN_INFO_RANGE_BEGIN)
        message.append(IFLA_BRIDGE_VLAN_INFO, structure: information)
        information = bridge_vlan_info(flags: flags | UInt16(BRIDGE_VLAN_INFO_RANGE_END), vid: identifiers.upperBound)
        message.append(IFLA_BRIDGE_VLAN_INFO, structure: information)
    }

    /// Reads an entry of the VLAN database.
    fileprivate init?(_ entry: Attribute) {
        guard let information = entry.nested[BRIDGE_VLANDB_ENTRY_INFO]?.structure(bridge_vlan_info.self) else {
            return nil
        }
        let last: UInt16 = entry.nested[BRIDGE_VLANDB_ENTRY_RANGE]?.number() ?? information.vid
        guard last >= information.vid else { return nil }
        self.init(
            information.vid...last, isPortDefault: information.flags & UInt16(BRIDGE_VLAN_INFO_PVID) != 0,
            isUntagged: information.flags & UInt16(BRIDGE_VLAN_INFO_UNTAGGED) != 0)
    }
}
