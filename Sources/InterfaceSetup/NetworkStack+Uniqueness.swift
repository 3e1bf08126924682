internal import CNI
public import Netlink
public import NetworkAddress

extension NetworkStack {
    /// Waits until the kernel has found out that nobody else on the network has the IPv6 addresses among `addresses`. The
    /// link has to be up.
    ///
    /// - Throws: ``CNIError`` with code 100 that names a duplicate, with code 11 when the kernel does not come to an end.
    public func waitUntilUnique(_ addresses: [IPPrefix], on link: Link) throws {
        guard addresses.contains(where: { $0.family == .ipv6 }) else { return }
        var settled: [InterfaceAddress] = []
        let isDone = try wait(milliseconds: 10_000) { () throws(NetlinkError) in
            settled = try self.addresses(of: link, .ipv6).filter { addresses.contains($0.prefix) }
            return !settled.contains { $0.isTentative && !$0.isDuplicate }
        }
        if let duplicate = settled.first(where: \.isDuplicate) {
            throw CNIError(.failed, "another machine on the network has the address \(duplicate.prefix.address)")
        }
        if isDone { return }
        // Without a carrier the kernel does not begin.
        let isConnected = try self.link(index: link.index)?.isOperational ?? true
        throw CNIError(
            .tryAgainLater,
            isConnected
                ? "duplicate address detection on \(link.name) did not end"
                : "\(link.name) has no carrier, so that nobody can tell whether its IPv6 addresses are taken: "
                    + "the link that it is on, or its other end, is down")
    }
}
