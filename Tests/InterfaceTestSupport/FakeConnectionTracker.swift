public import PacketFilter
internal import SystemPackage

/// Records what it is told to forget, and can be made to fail.
public final class FakeConnectionTracker: ConnectionTracker {
    /// One call.
    public struct Call: Equatable {
        public let published: [PublishedPort]
        public let which: ForgottenConnections

        public init(published: [PublishedPort], which: ForgottenConnections) {
            self.published = published
            self.which = which
        }
    }

    public private(set) var calls: [Call] = []
    /// Whether the kernel tracks connections at all.
    public var isSupported = true
    private let log: CallLog

    public init(_ log: CallLog) { self.log = log }

    public func forget(_ published: [PublishedPort], _ which: ForgottenConnections) throws(PacketFilterError) {
        calls.append(Call(published: published, which: which))
        do throws(Errno) { try log.record("conntrack: forget connections") } catch {
            throw PacketFilterError(
                backend: "conntrack", operation: "cannot forget connections", cause: .kernel(error))
        }
        if !isSupported {
            throw PacketFilterError(backend: "conntrack", operation: "cannot forget connections", cause: .unsupported)
        }
    }
}
