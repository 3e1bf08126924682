internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import LinuxSystem
internal import SystemPackage

/// The kernel parameters of a container that a configuration is about.
struct SandboxSysctls {
    private let wanted: [RequestedSysctl]
    private let sandbox: Sandbox
    private let kernel: any KernelAccess

    init(_ wanted: [RequestedSysctl], in sandbox: Sandbox, kernel: any KernelAccess) {
        self.wanted = wanted
        self.sandbox = sandbox
        self.kernel = kernel
    }

    /// The values that they have, in order; nil for those that can only be written, such as `net.ipv4.route.flush`, and
    /// for those that have none yet, such as `net.ipv6.conf.eth0.stable_secret`.
    func values() throws -> [String?] {
        try wanted.map { try value(of: $0, unless: SandboxSysctls.refusals + [.ioError]) }
    }

    /// The value that one has; nil where the kernel does not tell it, for one of these reasons.
    private func value(of one: RequestedSysctl, unless reasons: [Errno]) throws -> String? {
        do {
            if let value = try kernel.read(one.sysctl, in: sandbox) { return value }
        } catch let error as SysctlError where reasons.contains(error.errno) {
            return nil
        }
        throw CNIError(
            .failed, "the container has no kernel parameter \(one.sysctl)",
            details: "this kernel has none of that name, or one for the whole machine only")
    }

    /// Gives them the values that are wanted.
    ///
    /// - Parameter before: what ``values()`` found.
    func write(over before: [String?], _ rollback: Rollback) throws {
        for (one, before) in zip(wanted, before) {
            do {
                try kernel.write([SysctlSetting(one.sysctl, one.value)], in: sandbox)
            } catch let error as SysctlError where SandboxSysctls.refusals.contains(error.errno) {
                throw CNIError(
                    .failed, error.description,
                    details: "in a container the kernel lets what the whole machine shares only be read")
            }
            guard let before else { continue }
            rollback.onFailure("set \(one.sysctl) back to \(before)") {
                try kernel.write([SysctlSetting(one.sysctl, before)], in: sandbox)
            }
        }
    }

    /// Checks that they have them still.
    func check() throws {
        for one in wanted {
            guard let found = try value(of: one, unless: SandboxSysctls.refusals), !one.isMet(by: found) else {
                continue
            }
            throw CNIError(.failed, "\(one.sysctl) is \(found), the network wants \(one.value)")
        }
    }

    private static let refusals: [Errno] = [.permissionDenied, .notPermitted]
}
