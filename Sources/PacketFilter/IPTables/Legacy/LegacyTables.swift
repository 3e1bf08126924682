internal import LinuxSystem
public import NetworkAddress
internal import SystemPackage

/// Which legacy tables there are.
public enum LegacyTables {
    /// Whether the network namespace of the calling thread has the table. Reading a table makes it, so who only wants
    /// to take something out asks first.
    public static func isLoaded(_ table: IPTablesTable, _ family: AddressFamily) throws(PacketFilterError) -> Bool {
        let path = "/proc/thread-self/net/\(family == .ipv4 ? "ip_tables_names" : "ip6_tables_names")"
        do throws(Errno) {
            let text = String(decoding: try Files.contents(of: path), as: UTF8.self)
            return text.split(separator: "\n").contains { $0 == table.rawValue }
        } catch .noSuchFileOrDirectory {
            // Not even the module is there.
            return false
        } catch {
            throw PacketFilterError(backend: .iptables, operation: "read \(path)", cause: .kernel(error))
        }
    }

    /// Loads the kernel's module for legacy tables, as iptables does: the kernel itself only knows to load the modules
    /// of single tables and extensions.
    static func loadModule(_ family: AddressFamily) {
        guard let bytes = try? Files.contents(of: "/proc/sys/kernel/modprobe") else { return }
        let path = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        if path.isEmpty { return }
        let module = family == .ipv4 ? "ip_tables" : "ip6_tables"
        // Where it fails, the next attempt to read a table says so.
        guard
            let child = try? ChildProcess(
                path: path, arguments: ["-q", module], environment: ProcessEnvironment(["PATH=/usr/sbin:/usr/bin"]),
                input: [])
        else { return }
        _ = try? child.finish(outputLimit: 1 << 16)
    }
}
