public import CNIPlugin
public import InterfaceSetup
public import LinuxSystem
public import Netlink
internal import SystemPackage

/// A kernel in memory: a host, and a stack for every sandbox that was made with ``makeSandbox(_:)``.
public final class FakeKernel: KernelAccess {
    public let log = CallLog()
    /// Whether the kernel was built with IPv6.
    public let hasIPv6: Bool
    /// Whether it says what it made when a link is added, as kernels since 6.2 do.
    public let echoesLinks: Bool
    /// The host's stack as it is, without a call being recorded.
    public private(set) var hostStack: FakeNetworkStack
    private var sandboxes: [(sandbox: Sandbox, stack: FakeNetworkStack)] = []

    /// A host with `lo` and an uplink `eth0`, and no other link.
    public init(hasIPv6: Bool = true, echoesLinks: Bool = true) {
        self.hasIPv6 = hasIPv6
        self.echoesLinks = echoesLinks
        hostStack = FakeNetworkStack("host", firstIndex: 1, log: log, hasIPv6: hasIPv6, echoesLinks: echoesLinks)
        hostStack.peerStack = { [unowned self] namespace in
            guard let namespace else { return hostStack }
            return sandboxes.first { $0.sandbox.namespace === namespace }?.stack
        }
        hostStack.everyStack = { [unowned self] in [hostStack] + sandboxes.map(\.stack) }
        hostStack.makeLink(name: "eth0", kind: nil, isUp: true)
    }

    /// A new sandbox with a loopback interface that is down. Its namespace is the test's own, opened once more: only
    /// the identity of the object counts here.
    public func makeSandbox(_ path: String = "/run/netns/one") throws -> (sandbox: Sandbox, stack: FakeNetworkStack) {
        let sandbox = Sandbox(path: path, namespace: try NetworkNamespace.own())
        let number = Int32(sandboxes.count + 1)
        let stack = FakeNetworkStack(
            "sandbox", firstIndex: number * 100 + 1, log: log, hasIPv6: hasIPv6, echoesLinks: echoesLinks)
        stack.peerStack = { [unowned self] _ in hostStack }
        stack.everyStack = hostStack.everyStack
        sandboxes.append((sandbox, stack))
        return (sandbox, stack)
    }

    /// Everything there is, to compare before and after.
    public var snapshot: [FakeNetworkStack.State] { ([hostStack] + sandboxes.map(\.stack)).map(\.state) }

    // MARK: KernelAccess

    public func host() throws -> any NetworkStack {
        try open("host")
        return hostStack
    }

    public func stack(in sandbox: Sandbox) throws -> any NetworkStack {
        try open("sandbox")
        return try find(sandbox)
    }

    public func read(_ sysctl: Sysctl, in sandbox: Sandbox?) throws -> String? {
        let stack = try find(sandbox)
        do throws(Errno) { try log.record("\(stack.place): read \(sysctl)") } catch {
            throw SysctlError(sysctl: sysctl, value: nil, errno: error)
        }
        return stack.sysctl(sysctl)
    }

    public func write(_ settings: [SysctlSetting], in sandbox: Sandbox?) throws {
        let stack = try find(sandbox)
        for setting in settings {
            do throws(Errno) {
                try log.record("\(stack.place): write \(setting.sysctl) = \(setting.value)")
                guard stack.set(setting.sysctl, setting.value) else { throw Errno.noSuchFileOrDirectory }
            } catch {
                if setting.isOptional && error == .noSuchFileOrDirectory { continue }
                throw SysctlError(sysctl: setting.sysctl, value: setting.value, errno: error)
            }
        }
    }

    private func open(_ place: String) throws(NetlinkError) {
        do throws(Errno) { try log.record("\(place): open a netlink socket") } catch {
            throw NetlinkError(operation: "open a netlink socket", errno: error)
        }
    }

    private func find(_ sandbox: Sandbox?) throws(NetlinkError) -> FakeNetworkStack {
        guard let sandbox else { return hostStack }
        guard let found = sandboxes.first(where: { $0.sandbox.namespace === sandbox.namespace }) else {
            throw NetlinkError(operation: "find the sandbox", errno: .invalidArgument)
        }
        return found.stack
    }
}
