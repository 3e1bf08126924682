public import CNI
public import NetworkAddress

extension AttachmentResult {
    /// The addresses of a container's interface; those that name no interface, as old versions have it, are its own too.
    public func prefixes(of interfaceName: String) -> [IPPrefix] {
        let link = containerLink(interfaceName)
        return ips.filter { link == nil || $0.interface == nil || $0.interface == link }.map(\.address)
    }

    /// The position of a container's interface in ``interfaces``.
    func containerLink(_ name: String) -> Int? {
        interfaces.firstIndex { $0.name == name && $0.sandbox != nil }
    }
}
