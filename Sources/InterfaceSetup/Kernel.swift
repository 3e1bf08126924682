public import CNIPlugin
public import LinuxSystem
public import Netlink
public import SystemPackage

/// The kernel as interface plugins see it: one network stack for the host, one for each sandbox, and sysctls.
public protocol KernelAccess {
    /// The stack of the namespace that the plugin runs in.
    func host() throws -> any NetworkStack

    /// The stack of a container.
    func stack(in sandbox: Sandbox) throws -> any NetworkStack

    /// The value of a sysctl; nil where this kernel, or this namespace, has none of that name.
    func read(_ sysctl: Sysctl, in sandbox: Sandbox?) throws -> String?

    /// Writes sysctls in order, in the sandbox or, without one, on the host.
    func write(_ settings: [SysctlSetting], in sandbox: Sandbox?) throws
}

extension KernelAccess {
    /// Writes those sysctls of the host that have another value, and registers how to put that back: for links that
    /// were there before.
    public func write(_ settings: [SysctlSetting], _ rollback: Rollback) throws {
        for setting in settings {
            let before = try read(setting.sysctl, in: nil)
            if before == setting.value { continue }
            try write([setting], in: nil)
            guard let before else { continue }
            rollback.onFailure("set \(setting.sysctl) back to \(before)") {
                try write([SysctlSetting(setting.sysctl, before)], in: nil)
            }
        }
    }
}

/// A sysctl and the value to give it.
public struct SysctlSetting: Equatable, Sendable {
    public let sysctl: Sysctl
    public let value: String
    /// Whether a kernel without it is as good: one built or booted without IPv6 accepts no router advertisements.
    public let isOptional: Bool

    public init(_ sysctl: Sysctl, _ value: String, isOptional: Bool = false) {
        self.sysctl = sysctl
        self.value = value
        self.isOptional = isOptional
    }
}

/// The kernel that the process runs on.
public struct Kernel: KernelAccess {
    public init() {}

    public func host() throws -> any NetworkStack { try NetlinkSocket() }

    public func stack(in sandbox: Sandbox) throws -> any NetworkStack { try NetlinkSocket.inside(sandbox.namespace) }

    public func read(_ sysctl: Sysctl, in sandbox: Sandbox?) throws -> String? {
        try inside(sandbox) { () throws(SysctlError) in
            do throws(Errno) { return try sysctl.read() } catch {
                if error == .noSuchFileOrDirectory { return nil }
                throw SysctlError(sysctl: sysctl, value: nil, errno: error)
            }
        }
    }

    public func write(_ settings: [SysctlSetting], in sandbox: Sandbox?) throws {
        if settings.isEmpty { return }
        try inside(sandbox) { () throws(SysctlError) in
            for setting in settings {
                do throws(Errno) { try setting.sysctl.write(setting.value) } catch {
                    if setting.isOptional && error == .noSuchFileOrDirectory { continue }
                    throw SysctlError(sysctl: setting.sysctl, value: setting.value, errno: error)
                }
            }
        }
    }

    private func inside<Result>(_ sandbox: Sandbox?, _ body: () throws(SysctlError) -> Result) throws -> Result {
        guard let sandbox else { return try body() }
        return try sandbox.namespace.entered(body)
    }
}

/// A sysctl that could not be read or written.
public struct SysctlError: Error, Equatable, CustomStringConvertible {
    public let sysctl: Sysctl
    /// What was to be written; nil for reading.
    public let value: String?
    public let errno: Errno

    public init(sysctl: Sysctl, value: String?, errno: Errno) {
        self.sysctl = sysctl
        self.value = value
        self.errno = errno
    }

    public var description: String {
        value.map { "cannot set \(sysctl) to \($0): \(errno)" } ?? "cannot read \(sysctl): \(errno)"
    }
}
