public import LinuxSystem
public import Netlink
public import NetworkAddress

/// The links, addresses, routes and sysctls of a namespace in memory. It answers as the kernel does, as far as the
/// plugins can tell: `EEXIST`, `ENODEV`, routes that go with their link, a peer that goes with its pair.
///
/// `FakeNetworkStack+Calls.swift` holds what ``NetworkStack`` asks for, each call of which is recorded. What is here
/// is for tests, which arrange and look without being recorded.
public final class FakeNetworkStack {
    /// Everything that is in a namespace.
    public struct State: Equatable {
        public var links: [Int32: Link] = [:]
        public var addresses: [Int32: [InterfaceAddress]] = [:]
        public var routes: [Route] = []
        public var vlans: [Int32: [BridgeVLAN]] = [:]
        /// By path below /proc/sys/net.
        public var sysctls: [String: String] = [:]
    }

    public internal(set) var state = State()
    /// `host` or `sandbox`, for the log.
    public let place: String
    /// Addresses that another machine on the network has.
    public var foreignAddresses: Set<IPAddress> = []
    /// Whether ports never start to pass packets on.
    public var hasDeadPorts = false
    let log: CallLog
    let echoesLinks: Bool
    private let hasIPv6: Bool
    private var nextIndex: Int32
    private var madeLinks: UInt8 = 0
    /// The stack of a namespace, for the far ends of pairs.
    var peerStack: (NetworkNamespace?) -> FakeNetworkStack? = { _ in nil }
    var everyStack: () -> [FakeNetworkStack] = { [] }

    init(_ place: String, firstIndex: Int32, log: CallLog, hasIPv6: Bool, echoesLinks: Bool) {
        self.place = place
        self.log = log
        self.hasIPv6 = hasIPv6
        self.echoesLinks = echoesLinks
        nextIndex = firstIndex
        state.sysctls["ipv4/ip_forward"] = "0"
        if hasIPv6 { state.sysctls["ipv6/conf/all/forwarding"] = "0" }
        makeLink(name: "lo", kind: nil, mtu: 65536)
    }

    /// The link of that name, without a call.
    public subscript(name: String) -> Link? {
        get { state.links.values.first { $0.name == name } }
        set {
            guard let index = self[name]?.index else { return }
            state.links[index] = newValue
        }
    }

    /// The addresses of a link as texts, sorted.
    public func addresses(_ name: String) -> [String] {
        (self[name].flatMap { state.addresses[$0.index] } ?? []).map { $0.prefix.description }.sorted()
    }

    /// The routes as texts, sorted.
    public var routes: [String] { state.routes.map(\.description).sorted() }

    public func sysctl(_ sysctl: Sysctl) -> String? { state.sysctls[key(sysctl)] }

    /// Puts a link there.
    @discardableResult
    public func makeLink(
        name: String, kind: String?, mac: MACAddress? = nil, mtu: UInt32 = 1500, isUp: Bool = false,
        master: Int32? = nil,
        alias: String? = nil, bridge: BridgeSettings? = nil
    ) -> Link {
        madeLinks += 1
        let chosen = MACAddress(bytes: [0x02, 0, 0, 0, UInt8(nextIndex & 0x7F), madeLinks])
        let link = Link(
            index: nextIndex, name: name, mac: mac ?? chosen, mtu: mtu, isUp: isUp, alias: alias, kind: kind,
            bridge: bridge)
        nextIndex += 1
        state.links[link.index] = link
        for (name, value) in initialSysctls(of: name) { state.sysctls[name] = value }
        if let master { join(link.index, master) }
        return state.links[link.index] ?? link
    }

    /// Puts an address there.
    public func addAddress(_ text: String, to name: String) {
        guard let prefix = IPPrefix(text), let index = self[name]?.index else { return }
        state.addresses[index, default: []].append(InterfaceAddress(prefix))
    }

    /// Puts a route there.
    public func addRoute(_ route: Route) { state.routes.append(route) }

    public func removeRoutes() { state.routes = [] }

    public func removeAddresses(of name: String) { self[name].map { state.addresses[$0.index] = nil } }

    /// Replaces the VLANs of a port.
    public func setVLANs(_ vlans: [BridgeVLAN], ofPort name: String) {
        self[name].map { state.vlans[$0.index] = vlans }
    }

    public func vlans(ofPort name: String) -> [BridgeVLAN] { self[name].flatMap { state.vlans[$0.index] } ?? [] }

    /// Sets a sysctl; false where there is none of that name.
    @discardableResult
    public func set(_ sysctl: Sysctl, _ value: String) -> Bool {
        guard state.sysctls[key(sysctl)] != nil else { return false }
        state.sysctls[key(sysctl)] = value
        if sysctl.components.last == "disable_ipv6", value == "1", let link = self[sysctl.components[2]] {
            state.addresses[link.index]?.removeAll { $0.prefix.family == .ipv6 }
        }
        return true
    }

    /// Puts a sysctl there, by its path below /proc/sys/net.
    public func makeSysctl(_ path: String, _ value: String) { state.sysctls[path] = value }

    /// Removes a link with all that hangs on it.
    public func remove(_ index: Int32) {
        guard let link = state.links.removeValue(forKey: index) else { return }
        state.addresses[index] = nil
        state.vlans[index] = nil
        state.sysctls = state.sysctls.filter { !isSysctl($0.key, of: link.name) }
        state.routes.removeAll { $0.nextHops.contains { $0.link == index } }
        for port in state.links.values where port.master == index { leave(port.index) }
        for stack in everyStack() {
            for other in stack.state.links.values where other.macvlan != nil && other.tiedTo == index {
                stack.remove(other.index)
            }
        }
        guard link.kind == "veth", let peer = link.tiedTo else { return }
        for stack in everyStack() where stack.state.links[peer]?.tiedTo == index { stack.remove(peer) }
    }

    // MARK: The inner life

    func key(_ sysctl: Sysctl) -> String { sysctl.components.joined(separator: "/") }

    private func initialSysctls(of name: String) -> [String: String] {
        var sysctls = ["ipv4/conf/\(name)/arp_notify": "0", "ipv4/conf/\(name)/arp_filter": "0"]
        guard hasIPv6 else { return sysctls }
        for (key, value) in ["accept_ra": "1", "autoconf": "1", "disable_ipv6": "0", "ndisc_notify": "0"] {
            sysctls["ipv6/conf/\(name)/\(key)"] = value
        }
        return sysctls
    }

    private func isSysctl(_ key: String, of name: String) -> Bool {
        let parts = key.split(separator: "/")
        return parts.count == 4 && parts[1] == "conf" && parts[2] == name
    }

    /// Makes a link the port of a bridge, which puts every port in VLAN 1.
    func join(_ index: Int32, _ master: Int32) {
        state.links[index]?.master = master
        state.links[index]?.port = BridgePort()
        state.vlans[index] = [.kernelDefault]
    }

    private func leave(_ index: Int32) {
        state.links[index]?.master = nil
        state.links[index]?.port = nil
        state.vlans[index] = nil
    }

    /// Lets happen what the kernel does by itself after a moment: ports start to forward, addresses are found to be
    /// unique or not.
    func settle() {
        for (index, link) in state.links where link.port != nil && link.isUp && !hasDeadPorts {
            let bridgeIsUp = link.master.flatMap { state.links[$0] }?.isUp == true
            let peerIsUp = everyStack().compactMap { $0.state.links[link.tiedTo ?? 0] }.allSatisfy(\.isUp)
            if bridgeIsUp && peerIsUp { state.links[index]?.port?.state = .forwarding }
        }
        for (index, addresses) in state.addresses {
            state.addresses[index] = addresses.map { address in
                var address = address
                guard address.isTentative else { return address }
                address.isDuplicate = foreignAddresses.contains(address.prefix.address)
                address.isTentative = address.isDuplicate
                return address
            }
        }
    }
}
