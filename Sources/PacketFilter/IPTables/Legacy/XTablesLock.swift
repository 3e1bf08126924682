internal import LinuxSystem
internal import SystemPackage

/// The lock that everybody takes who changes legacy tables, as `iptables -w` does: two who read and write back at the
/// same time would lose each other's rules.
enum XTablesLock {
    /// Waits for it. It ends with the value that is returned.
    static func take() throws(PacketFilterError) -> FileLock {
        let path = ProcessEnvironment.current["XTABLES_LOCKFILE"] ?? "/run/xtables.lock"
        do throws(Errno) {
            let name = path.split(separator: "/").last.map(String.init) ?? ""
            let folder = String(path.dropLast(name.count))
            // Nobody else may open it: whoever can may also hold it for ever.
            return try Directory(creating: folder.isEmpty ? "." : folder).lock(name, mode: 0o600)
        } catch {
            throw PacketFilterError(backend: .iptables, operation: "lock \(path)", cause: .kernel(error))
        }
    }
}
