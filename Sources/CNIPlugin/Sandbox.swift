internal import CNI
internal import JSON
public import LinuxSystem
internal import SystemPackage

/// The network namespace of a container, open for as long as the request lives.
public struct Sandbox: Sendable {
    /// As the runtime named it: this text is what results carry.
    public let path: String
    public let namespace: NetworkNamespace

    public init(path: String, namespace: NetworkNamespace) {
        self.path = path
        self.namespace = namespace
    }

    /// Opens the namespace at `path`; anything but a network namespace is refused with code 4.
    init(opening path: String) throws(CNIError) {
        self.path = path
        do throws(NetworkNamespace.Failure) {
            namespace = try NetworkNamespace(path: path)
        } catch {
            let expected = "CNI_NETNS: expected the path of a network namespace, found \(JSONValue.quoted(path))"
            switch error {
            case .cannotOpen(let errno): throw CNIError(.invalidEnvironment, expected, details: errno.description)
            case .notNetworkNamespace: throw CNIError(.invalidEnvironment, expected, details: "it is something else")
            }
        }
    }

    /// Whether it is the namespace that this process runs in.
    var isOwnNamespace: Bool {
        guard let own = try? NetworkNamespace.own() else { return false }
        return namespace.isSame(as: own)
    }
}
