internal import LinuxSystem
internal import NetworkAddress

extension PortPublication {
    /// Whether a process of this host has the port, which a published one would cut off. Nobody asks for those of SCTP.
    public var isInUse: Bool {
        guard transport != .sctp else { return false }
        let addresses = hostAddress.map { [$0] } ?? AddressFamily.allCases.map(IPAddress.unspecified)
        return addresses.contains {
            HostPort.isInUse(hostPort, of: transport == .tcp ? .tcp : .udp, at: $0.bytes)
        }
    }
}
