internal import CNetfilter
internal import Glibc
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
        for transport in [TransportProtocol.udp, .sctp] {
            for family in AddressFamily.allCases {
                let ports = published.filter { $0.mapping.transport == transport && $0.container.family == family }
                if ports.isEmpty { continue }
                do throws(NetlinkError) { try forget(ports, which, transport, family) } catch {
                    // A kernel that tracks no connections, or tells nobody, has nothing to forget.
                    let isUnsupported = [.invalidArgument, .notSupported, .protocolNotSupported].contains(error.errno)
                    throw PacketFilterError(
                        backend: "conntrack", operation: error.description,
                        cause: isUnsupported ? .unsupported : .kernel(error.errno))
                }
            }
        }
    }

    private func forget(
        _ ports: [PublishedPort], _ which: ForgottenConnections, _ transport: TransportProtocol, _ family: AddressFamily
    ) throws(NetlinkError) {
        let connection = try NetlinkConnection(.netfilter)
        var filter = TrackedConnection.Filter(family: family, transport: transport)
        if ports.count == 1, let only = ports.first, only.mapping.hostPorts.count == 1 {
            filter.destinationPort = only.mapping.hostPorts.lowerBound
        }
        let candidates = try connection.dump("list connections") { filter.request() } _: { TrackedConnection($0) }
            .filter { candidate in
                candidate.transport == transport && ports.contains { candidate.concerns($0, which) }
            }
        if candidates.isEmpty { return }
        let addresses = which == .thatGoElsewhere ? try NetlinkSocket() : nil
        for candidate in candidates {
            // What only passes through the host to the same port of another machine is none of ours.
            if let addresses, try !addresses.isOwn(candidate.destination) { continue }
            do throws(NetlinkError) { try connection.perform("forget a connection", candidate.deletion()) } catch {
                // It has ended by itself.
                if error.errno != .noSuchFileOrDirectory { throw error }
            }
        }
    }
}

extension TrackedConnection {
    fileprivate func concerns(_ port: PublishedPort, _ which: ForgottenConnections) -> Bool {
        let mapping = port.mapping
        guard mapping.hostPorts.contains(destinationPort),
            mapping.specificHostAddress == nil || mapping.specificHostAddress == destination
        else { return false }
        let containerPort = mapping.hostPorts.count == 1 ? mapping.containerPort : destinationPort
        let goesThere = answeringAddress == port.container && answeringPort == containerPort
        return goesThere == (which == .thatGoThere)
    }
}
