internal import CNetfilter
internal import Glibc
internal import LinuxSystem
internal import Netlink
internal import NetworkAddress
internal import SystemPackage

/// The kernel's memory of connections, as far as it concerns published ports: the real one, or a test's.
public protocol ConnectionTracker {
    /// Has the kernel forget connections of UDP and SCTP to published ports, so that their next packet is looked at as if
    /// it were the first. One of TCP ends by itself where it is not answered.
    func forget(_ published: [PublishedPort], _ which: ForgottenConnections) throws(PacketFilterError)
}

/// Which connections to forget.
public enum ForgottenConnections: Sendable {
    /// After ports were published: what goes to such a port of the host, and not to the container.
    case thatGoElsewhere
    /// After ports were taken back: what goes to the container by such a port.
    case thatGoThere
}

/// Connection tracking of the kernel that the process runs on (`conntrack -D`), by its netlink interface.
public struct ConnectionTracking: ConnectionTracker {
    public init() {}

    public func forget(_ published: [PublishedPort], _ which: ForgottenConnections) throws(PacketFilterError) {
        let ports = published.filter { $0.mapping.transport != .tcp }
        if ports.isEmpty { return }
        let count = ConnectionTracking.count
        if count == 0 { return }
        do throws(NetlinkError) {
            let connection = try NetlinkConnection(.netfilter)
            let left = try forgetByDescription(ports, which, connection)
            if !left.isEmpty { try forgetOneByOne(left, which, connection, count) }
        } catch {
            // A kernel that tracks no connections, or tells nobody, has nothing to forget.
            let isUnsupported = [.invalidArgument, .notSupported, .protocolNotSupported].contains(error.errno)
            throw PacketFilterError(
                backend: "conntrack", operation: error.description,
                cause: isUnsupported ? .unsupported : .kernel(error.errno))
        }
    }

    /// How many connections the kernel tracks here; nil where it does not say.
    private static var count: Int? {
        (try? Sysctl("netfilter", "nf_conntrack_count").read()).flatMap { Int($0) }
    }

    // MARK: By a description

    /// Tells the kernel which connections to forget: 0.1 ms for each description.
    ///
    /// - Returns: what it cannot be told that way: kernels before 6.9 refuse it all. Of later ones, Linux 6.18 takes an IPv6
    ///   address for its opposite and overlooks the ports of SCTP. Ranges of ports have no description.
    private func forgetByDescription(
        _ ports: [PublishedPort], _ which: ForgottenConnections, _ connection: NetlinkConnection
    ) throws(NetlinkError) -> [PublishedPort] {
        var left: [PublishedPort] = []
        var filters: [ConnectionFilter] = []
        // Asked for once: address by address, because what only passes through the host to the same port of another machine
        // is none of ours.
        var own: [IPAddress]?
        for port in ports {
            let mapping = port.mapping
            if mapping.transport == .udp && port.container.family == .ipv4 && mapping.hostPorts.count == 1 {
                if own == nil && which == .thatGoElsewhere && mapping.specificHostAddress == nil {
                    own = try NetlinkSocket().ownAddresses(.ipv4)
                }
                filters += descriptions(port, which, own ?? [])
            } else {
                left.append(port)
            }
        }
        // Many descriptions take longer than a list.
        guard filters.count <= 64 else { return ports }
        for filter in filters {
            do throws(NetlinkError) {
                try connection.perform("forget connections", filter.request(IPCTNL_MSG_CT_DELETE))
            } catch {
                if [.invalidArgument, .notSupported].contains(error.errno) { return ports }
                if error.errno != .noSuchFileOrDirectory { throw error }
            }
        }
        return left
    }

    private func descriptions(
        _ port: PublishedPort, _ which: ForgottenConnections, _ own: [IPAddress]
    ) -> [ConnectionFilter] {
        let mapping = port.mapping
        var filter = ConnectionFilter(
            family: port.container.family, transport: mapping.transport, destination: mapping.specificHostAddress,
            destinationPort: mapping.hostPorts.lowerBound)
        if which == .thatGoThere {
            filter.answering = port.container
            filter.answeringPort = mapping.containerPort
            return [filter]
        }
        if filter.destination != nil { return [filter] }
        return own.map { address in
            var one = filter
            one.destination = address
            return one
        }
    }

    // MARK: By a list

    private func forgetOneByOne(
        _ ports: [PublishedPort], _ which: ForgottenConnections, _ connection: NetlinkConnection, _ count: Int?
    ) throws(NetlinkError) {
        var candidates: [TrackedConnection] = []
        for filter in ConnectionTracking.filters(ports, count) {
            candidates += try connection.dump("list connections") {
                filter.request(IPCTNL_MSG_CT_GET)
            } _: {
                TrackedConnection($0)
            }
        }
        candidates.removeAll { candidate in !ports.contains { candidate.concerns($0, which) } }
        if candidates.isEmpty { return }
        let addresses = which == .thatGoElsewhere ? try NetlinkSocket() : nil
        for candidate in candidates {
            if let addresses, try !addresses.isOwn(candidate.destination) { continue }
            do throws(NetlinkError) { try connection.perform("forget a connection", candidate.deletion()) } catch {
                // It has ended by itself.
                if error.errno != .noSuchFileOrDirectory { throw error }
            }
        }
    }

    /// What to list. A list takes the kernel 10 ms, because it looks into every place where a connection could be; so a few are
    /// better listed together and chosen here.
    private static func filters(_ ports: [PublishedPort], _ count: Int?) -> [ConnectionFilter] {
        let families = Set(ports.map(\.container.family))
        let transports = Set(ports.map(\.mapping.transport))
        if let count, count < 1000, families.count * transports.count > 1 { return [ConnectionFilter()] }
        return families.flatMap { family in
            transports.map { ConnectionFilter(family: family, transport: $0) }
        }
    }
}

extension TrackedConnection {
    /// Whether it is one of those to forget for a port.
    func concerns(_ port: PublishedPort, _ which: ForgottenConnections) -> Bool {
        let mapping = port.mapping
        guard family == port.container.family, transport == mapping.transport,
            mapping.hostPorts.contains(destinationPort),
            mapping.specificHostAddress == nil || mapping.specificHostAddress == destination
        else { return false }
        let containerPort = mapping.hostPorts.count == 1 ? mapping.containerPort : destinationPort
        let goesThere = answeringAddress == port.container && answeringPort == containerPort
        return goesThere == (which == .thatGoThere)
    }
}
