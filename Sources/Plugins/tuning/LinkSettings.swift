internal import InterfaceSetup
internal import JSON
internal import Netlink
internal import NetworkAddress

/// What a configuration can want of a link, and a backup remember of it; nil: nothing.
struct LinkSettings: Equatable {
    /// One setting, under the name that it has in configurations and backups.
    enum Key: String, CaseIterable {
        case mac, mtu, promisc, allmulti, txQLen
    }

    var mac: MACAddress?
    /// In bytes.
    var mtu: UInt32?
    var promisc: Bool?
    var allmulti: Bool?
    /// In packets.
    var txQLen: UInt32?

    /// What a link has.
    init(_ link: Link) {
        mac = link.mac
        mtu = link.mtu
        promisc = link.isPromiscuous
        allmulti = link.isAllMulticast
        txQLen = link.transmitQueueLength
    }

    init() {}

    /// Those that are there.
    var keys: [Key] { Key.allCases.filter { self[$0] != nil } }

    /// These settings, without all others.
    func only(_ keys: [Key]) -> LinkSettings {
        var settings = LinkSettings()
        for key in keys {
            switch key {
            case .mac: settings.mac = mac
            case .mtu: settings.mtu = mtu
            case .promisc: settings.promisc = promisc
            case .allmulti: settings.allmulti = allmulti
            case .txQLen: settings.txQLen = txQLen
            }
        }
        return settings
    }

    /// Those that `present` has not.
    func missing(in present: LinkSettings) -> LinkSettings { only(keys.filter { self[$0] != present[$0] }) }

    /// What makes a link have them.
    var change: LinkChange {
        LinkChange(isPromiscuous: promisc, isAllMulticast: allmulti, transmitQueueLength: txQLen, mac: mac, mtu: mtu)
    }

    /// One setting as JSON.
    subscript(key: Key) -> JSONValue? {
        switch key {
        case .mac: mac.map { .string($0.description) }
        case .mtu: mtu.map { .integer(Int64($0)) }
        case .promisc: promisc.map { .bool($0) }
        case .allmulti: allmulti.map { .bool($0) }
        case .txQLen: txQLen.map { .integer(Int64($0)) }
        }
    }

    /// Takes one setting from a configuration. What is absent, and an empty `mac`, changes nothing; `mtu` 0 takes back
    /// what was wanted before.
    mutating func read(_ key: Key, wantedBy document: JSONField) throws {
        let field = try document[key.rawValue]
        if field.isAbsent { return }
        switch key {
        case .mac: mac = try field.mac() ?? mac
        case .mtu: mtu = try field.mtu()
        case .promisc: promisc = try field.bool()
        case .allmulti: allmulti = try field.bool()
        case .txQLen: txQLen = try field.integer(in: 0...UInt32.max)
        }
    }

    /// Takes one setting from a backup: whatever a link can have.
    mutating func read(_ key: Key, rememberedIn document: JSONField) throws {
        let field = try document[key.rawValue]
        switch key {
        case .mac: mac = try field.text("a hardware address", MACAddress.init(_:))
        case .mtu:
            let number: UInt32? = try field.integer(in: 0...UInt32.max)
            mtu = number == 0 ? nil : number
        case .promisc: promisc = try field.bool()
        case .allmulti: allmulti = try field.bool()
        case .txQLen: txQLen = try field.integer(in: 0...UInt32.max)
        }
    }
}
