internal import LinuxSystem
public import Netlink
public import NetworkAddress
internal import SystemPackage

extension FakeNetworkStack: NetworkStack {
    private func call(_ operation: String, _ details: String = "") throws(NetlinkError) {
        do throws(Errno) { try log.record("\(place): \(operation)\(details)") } catch {
            throw NetlinkError(operation: operation, errno: error)
        }
    }

    private func refuse(_ operation: String, _ errno: Errno) -> NetlinkError {
        NetlinkError(operation: operation, errno: errno)
    }

    public func link(named name: String) throws(NetlinkError) -> Link? {
        try call("look up link \(name)")
        return self[name]
    }

    public func link(index: Int32) throws(NetlinkError) -> Link? {
        try call("look up link \(index)")
        return state.links[index]
    }

    /// A link that has an address in the same network.
    public func link(leadingTo address: IPAddress) throws(NetlinkError) -> Link? {
        try call("look up the route to \(address)")
        let found = state.addresses.first { $0.value.contains { $0.prefix.contains(address) } }
        return found.flatMap { state.links[$0.key] }
    }

    public func ports(of master: Int32) throws(NetlinkError) -> [Link] {
        try call("list the ports of link \(master)")
        return state.links.values.filter { $0.master == master }.sorted { $0.index < $1.index }
    }

    public func add(_ link: NewLink) throws(NetlinkError) -> Link? {
        let operation = "add link \(link.name)"
        try call(operation, link.mtu.map { " with MTU \($0)" } ?? "")
        if self[link.name] != nil { throw refuse(operation, .fileExists) }
        if let master = link.master, state.links[master]?.kind != "bridge" { throw refuse(operation, .noSuchDevice) }
        let made: Link
        switch link.kind {
        case .bridge(let settings):
            made = makeLink(name: link.name, kind: "bridge", mac: link.mac, mtu: link.mtu ?? 1500, bridge: settings)
        case .veth(let peer):
            let other = peer.namespace == nil ? self : peerStack(peer.namespace)
            guard let other else { throw refuse(operation, .invalidArgument) }
            if other[peer.name] != nil || peer.name == link.name { throw refuse(operation, .fileExists) }
            let near = makeLink(
                name: link.name, kind: "veth", mac: link.mac, mtu: link.mtu ?? 1500, master: link.master)
            let far = other.makeLink(name: peer.name, kind: "veth", mac: peer.mac, mtu: peer.mtu ?? 1500)
            state.links[near.index]?.tiedTo = far.index
            other.state.links[far.index]?.tiedTo = near.index
            made = state.links[near.index] ?? near
        case .macvlan(let settings):
            made = try makeMacvlan(link, settings, operation)
        }
        return echoesLinks && link.namespace == nil ? made : nil
    }

    /// Like the kernel's: on hardware, or what stands for it, that nothing else receives the frames of.
    private func makeMacvlan(
        _ link: NewLink, _ settings: MacvlanSettings, _ operation: String
    ) throws(NetlinkError) -> Link {
        guard let named = link.parent.flatMap({ state.links[$0] }) else { throw refuse(operation, .noSuchDevice) }
        let place = link.namespace == nil ? self : peerStack(link.namespace)
        guard let place else { throw refuse(operation, .invalidArgument) }
        if place[link.name] != nil { throw refuse(operation, .fileExists) }
        if named.name == "lo" { throw refuse(operation, .invalidArgument) }
        if named.master != nil { throw refuse(operation, .resourceBusy) }
        // One on another macvlan is beside it.
        let parent = named.kind == "macvlan" ? named.tiedTo : named.index
        let others = everyStack().flatMap { $0.state.links.values }.filter {
            $0.macvlan != nil && $0.tiedTo == parent
        }
        let isAlone = settings.mode == .passthru
        if others.contains(where: { isAlone || $0.macvlan?.mode == .passthru }) {
            throw refuse(operation, .invalidArgument)
        }
        let made = place.makeLink(
            name: link.name, kind: "macvlan", mac: isAlone ? named.mac : link.mac, mtu: link.mtu ?? named.mtu)
        place.state.links[made.index]?.macvlan = settings
        place.state.links[made.index]?.tiedTo = parent
        place.state.links[made.index]?.isTiedElsewhere = link.namespace != nil || named.isTiedElsewhere
        return place.state.links[made.index] ?? made
    }

    public func change(_ link: Link, _ change: LinkChange) throws(NetlinkError) {
        let operation = "change link \(link.name)"
        try call(operation, description(change))
        guard var changed = state.links[link.index] else { throw refuse(operation, .noSuchDevice) }
        if let port = change.port {
            guard changed.port != nil else { throw refuse(operation, .notSupported) }
            if let isHairpin = port.isHairpin { changed.port?.isHairpin = isHairpin }
            if let isIsolated = port.isIsolated { changed.port?.isIsolated = isIsolated }
        }
        if let mac = change.mac { changed.mac = mac }
        if let mtu = change.mtu { changed.mtu = mtu }
        if let alias = change.alias { changed.alias = alias }
        if let isPromiscuous = change.isPromiscuous { changed.isPromiscuous = isPromiscuous }
        if let isAllMulticast = change.isAllMulticast { changed.isAllMulticast = isAllMulticast }
        if let length = change.transmitQueueLength { changed.transmitQueueLength = length }
        if let isUp = change.isUp {
            changed.isUp = isUp
            if !isUp {
                state.routes.removeAll { $0.nextHops.contains { $0.link == link.index } }
                state.addresses[link.index]?.removeAll { $0.prefix.family == .ipv6 }
                if changed.port != nil { changed.port?.state = .disabled }
            }
        }
        state.links[link.index] = changed
    }

    private func description(_ change: LinkChange) -> String {
        var words: [String] = []
        if let isUp = change.isUp { words.append(isUp ? "up" : "down") }
        if let isPromiscuous = change.isPromiscuous { words.append(isPromiscuous ? "promiscuous" : "not promiscuous") }
        if let isAll = change.isAllMulticast { words.append(isAll ? "all multicast" : "not all multicast") }
        if let length = change.transmitQueueLength { words.append("queue length \(length)") }
        if change.mac != nil { words.append("MAC") }
        if let mtu = change.mtu { words.append("MTU \(mtu)") }
        if change.alias != nil { words.append("alias") }
        if change.port?.isHairpin != nil { words.append("hairpin") }
        if change.port?.isIsolated != nil { words.append("isolation") }
        return ": " + words.joined(separator: ", ")
    }

    public func deleteLink(index: Int32) throws(NetlinkError) -> Bool {
        try call("delete link \(index)")
        guard state.links[index] != nil else { return false }
        remove(index)
        return true
    }

    public func deleteLink(named name: String) throws(NetlinkError) -> Bool {
        try call("delete link \(name)")
        guard let link = self[name] else { return false }
        remove(link.index)
        return true
    }

    public func addresses(of link: Link, _ family: AddressFamily?) throws(NetlinkError) -> [InterfaceAddress] {
        try call("list the addresses of link \(link.name)")
        return (state.addresses[link.index] ?? []).filter { family == nil || $0.prefix.family == family }
    }

    public func add(_ address: InterfaceAddress, to link: Link) throws(NetlinkError) {
        let operation = "add address \(address.prefix) to \(link.name)"
        try call(operation)
        guard state.links[link.index] != nil else { throw refuse(operation, .noSuchDevice) }
        if state.addresses[link.index]?.contains(where: { $0.prefix == address.prefix }) == true {
            throw refuse(operation, .fileExists)
        }
        if address.prefix.family == .ipv6, state.sysctls["ipv6/conf/\(link.name)/disable_ipv6"] != "0" {
            throw refuse(operation, .permissionDenied)
        }
        var added = address
        added.isTentative = address.prefix.family == .ipv6 && !address.skipsDuplicateDetection
        state.addresses[link.index, default: []].append(added)
    }

    /// Like the kernel, takes the later IPv4 addresses of the same network with the first one.
    public func delete(_ address: InterfaceAddress, from link: Link) throws(NetlinkError) -> Bool {
        try call("delete address \(address.prefix) from \(link.name)")
        let addresses = state.addresses[link.index] ?? []
        let sameNetwork = addresses.filter { $0.prefix.network == address.prefix.network }
        guard sameNetwork.contains(where: { $0.prefix == address.prefix }) else { return false }
        let takesAll = address.prefix.family == .ipv4 && sameNetwork.first?.prefix == address.prefix
        let left = addresses.filter { takesAll ? !sameNetwork.contains($0) : $0.prefix != address.prefix }
        state.addresses[link.index] = left.isEmpty ? nil : left
        return true
    }

    public func routes(_ family: AddressFamily, table: UInt32?) throws(NetlinkError) -> [Route] {
        try call("list \(family) routes")
        return state.routes.filter { $0.destination.family == family && ($0.table ?? 254) == (table ?? 254) }
    }

    public func routes(_ family: AddressFamily, through link: Link) throws(NetlinkError) -> [Route] {
        try call("list \(family) routes through \(link.name)")
        return state.routes.filter { route in
            route.destination.family == family && (route.table ?? 254) == 254
                && route.nextHops.contains { $0.link == link.index }
        }
    }

    public func add(_ route: Route) throws(NetlinkError) {
        let operation = "add route \(route)"
        try call(operation)
        for hop in route.nextHops {
            guard let link = state.links[hop.link] else { throw refuse(operation, .noSuchDevice) }
            if !link.isUp { throw refuse(operation, .networkDown) }
            let isReachable = (state.addresses[hop.link] ?? []).contains { address in
                hop.gateway.map(address.prefix.contains) ?? true
            }
            if !isReachable { throw refuse(operation, .networkUnreachable) }
        }
        if state.routes.contains(where: { $0.isSame(as: route) }) { throw refuse(operation, .fileExists) }
        state.routes.append(route)
    }

    public func delete(_ route: Route) throws(NetlinkError) -> Bool {
        try call("delete route \(route)")
        let count = state.routes.count
        state.routes.removeAll { $0.isSame(as: route) }
        return state.routes.count < count
    }

    public func vlans(ofPort link: Link) throws(NetlinkError) -> [BridgeVLAN] {
        try call("list the VLANs of port \(link.name)")
        return state.vlans[link.index] ?? []
    }

    public func add(_ vlans: [BridgeVLAN], toPort link: Link) throws(NetlinkError) {
        let operation = "add VLANs to port \(link.name)"
        try call(operation, ": " + vlans.map { "\($0.identifiers)" }.joined(separator: ", "))
        guard state.links[link.index] != nil else { throw refuse(operation, .noSuchDevice) }
        var present = state.vlans[link.index] ?? []
        for vlan in vlans {
            present.removeAll { $0.identifiers == vlan.identifiers }
            if vlan.isPortDefault { present = present.map { BridgeVLAN($0.identifiers, isUntagged: $0.isUntagged) } }
            present.append(vlan)
        }
        state.vlans[link.index] = present
    }

    public func delete(_ vlans: [BridgeVLAN], fromPort link: Link) throws(NetlinkError) {
        let operation = "delete VLANs from port \(link.name)"
        try call(operation, ": " + vlans.map { "\($0.identifiers)" }.joined(separator: ", "))
        guard state.links[link.index] != nil else { throw refuse(operation, .noSuchDevice) }
        state.vlans[link.index]?.removeAll { present in vlans.contains { $0.identifiers == present.identifiers } }
    }

    public func wait(
        milliseconds: Int, until condition: () throws(NetlinkError) -> Bool
    ) throws(NetlinkError) -> Bool {
        if try condition() { return true }
        try call("wait for a change")
        for stack in everyStack() { stack.settle() }
        return try condition()
    }
}

extension Route {
    /// Whether the kernel takes them for one: IPv4 tells routes apart by table and metric.
    fileprivate func isSame(as other: Route) -> Bool {
        destination == other.destination && (table ?? 254) == (other.table ?? 254)
            && (priority ?? 0) == (other.priority ?? 0)
    }
}
