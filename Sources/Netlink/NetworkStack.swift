internal import LinuxSystem
public import NetworkAddress
internal import SystemPackage

/// The links, addresses and routes of one network namespace: the kernel's, or a test's.
///
/// What is looked up and absent is nil; what is deleted and absent is false. Everything else that fails is a
/// ``NetlinkError`` with the kernel's error number.
public protocol NetworkStack: AnyObject {
    /// `ip link show dev NAME`
    func link(named name: String) throws(NetlinkError) -> Link?

    /// The link with that number.
    func link(index: Int32) throws(NetlinkError) -> Link?

    /// The link by which packets to an address leave (`ip route get`); nil where there is no route.
    func link(leadingTo address: IPAddress) throws(NetlinkError) -> Link?

    /// `ip link show master NAME`
    func ports(of master: Int32) throws(NetlinkError) -> [Link]

    /// `ip link add`. Kernels since 6.2 say what they made; nil from an older one, and for a link in another namespace.
    func add(_ link: NewLink) throws(NetlinkError) -> Link?

    /// `ip link set`, everything in one message.
    func change(_ link: Link, _ change: LinkChange) throws(NetlinkError)

    /// `ip link delete`; false where there was none.
    @discardableResult
    func deleteLink(index: Int32) throws(NetlinkError) -> Bool

    /// `ip link delete dev NAME`; false where there was none.
    @discardableResult
    func deleteLink(named name: String) throws(NetlinkError) -> Bool

    /// `ip address show dev NAME`, of one family or of both.
    func addresses(of link: Link, _ family: AddressFamily?) throws(NetlinkError) -> [InterfaceAddress]

    /// `ip address add`; one that is there is `EEXIST`.
    func add(_ address: InterfaceAddress, to link: Link) throws(NetlinkError)

    /// `ip address delete`; false where there was none.
    @discardableResult
    func delete(_ address: InterfaceAddress, from link: Link) throws(NetlinkError) -> Bool

    /// `ip route show table TABLE`; nil is the main table.
    func routes(_ family: AddressFamily, table: UInt32?) throws(NetlinkError) -> [Route]

    /// `ip route show dev NAME`: those of the main table.
    func routes(_ family: AddressFamily, through link: Link) throws(NetlinkError) -> [Route]

    /// `ip route add`; one that is there is `EEXIST`.
    func add(_ route: Route) throws(NetlinkError)

    /// `ip route delete`; false where there was none.
    @discardableResult
    func delete(_ route: Route) throws(NetlinkError) -> Bool

    /// `bridge vlan show dev NAME`
    func vlans(ofPort link: Link) throws(NetlinkError) -> [BridgeVLAN]

    /// `bridge vlan add`
    func add(_ vlans: [BridgeVLAN], toPort link: Link) throws(NetlinkError)

    /// `bridge vlan del`
    func delete(_ vlans: [BridgeVLAN], fromPort link: Link) throws(NetlinkError)

    /// Waits until `condition` holds, asking again whenever a link or an IPv6 address changes; false when it still
    /// does not after `milliseconds`.
    func wait(milliseconds: Int, until condition: () throws(NetlinkError) -> Bool) throws(NetlinkError) -> Bool
}

extension NetworkStack {
    /// `ip link add`, and the link that was made, whatever the kernel's age.
    public func make(_ link: NewLink) throws(NetlinkError) -> Link {
        if let made = try add(link) { return made }
        do throws(NetlinkError) {
            if let found = try self.link(named: link.name) { return found }
        } catch {
            // Nobody else knows yet that it has to be taken back.
            _ = try? deleteLink(named: link.name)
            throw error
        }
        throw NetlinkError(operation: "find link \(link.name), which was just made", errno: .noSuchDevice)
    }
}
