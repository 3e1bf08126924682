internal import Glibc
internal import NetworkAddress
internal import SystemPackage

/// The interface by which the kernel hands out and takes legacy tables: options of a raw socket
/// (linux/netfilter_ipv4/ip_tables.h and its twin for IPv6).
///
/// It works in the network namespace in which the calling thread was when the socket was made.
struct XTablesSocket: ~Copyable {
    private let descriptor: CInt
    private let level: CInt

    init(_ family: AddressFamily) throws(Errno) {
        level = family == .ipv4 ? CInt(IPPROTO_IP) : CInt(IPPROTO_IPV6)
        descriptor = socket(
            family == .ipv4 ? AF_INET : AF_INET6, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), CInt(IPPROTO_RAW))
        if descriptor < 0 { throw Errno(rawValue: errno) }
    }

    deinit { close(descriptor) }

    /// IPT_SO_GET_INFO. A table that the kernel has in a module is loaded and made by this.
    func information(of table: IPTablesTable) throws(Errno) -> LegacyTableInformation {
        var bytes = XTablesSocket.name(table) + [UInt8](repeating: 0, count: LegacyTableInformation.size - 32)
        try get(64, &bytes)
        return LegacyTableInformation(bytes)
    }

    /// IPT_SO_GET_ENTRIES. EAGAIN where the table is no longer of that size.
    func entries(of table: IPTablesTable, size: Int) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 40 + size)
        bytes.replaceSubrange(0..<32, with: XTablesSocket.name(table))
        bytes.store(UInt32(size), at: 32)
        try get(65, &bytes)
        bytes.removeFirst(40)
        return bytes
    }

    /// IPT_SO_SET_REPLACE. EAGAIN where the table no longer has as many entries as were read.
    ///
    /// - Returns: the counters of all entries as they were at that moment, 16 bytes each.
    func replace(_ table: IPTablesTable, with new: LegacyTable.Compiled, oldCount: Int) throws(Errno) -> [UInt8] {
        var counters = [UInt8](repeating: 0, count: 16 * max(oldCount, 1))
        var bytes = [UInt8](repeating: 0, count: 96)
        bytes.replaceSubrange(0..<32, with: XTablesSocket.name(table))
        bytes.store(new.information.validHooks, at: 32)
        bytes.store(new.information.entryCount, at: 36)
        bytes.store(new.information.size, at: 40)
        for hook in 0..<LegacyTableInformation.hookCount {
            bytes.store(new.information.hookEntries[hook], at: 44 + 4 * hook)
            bytes.store(new.information.underflows[hook], at: 64 + 4 * hook)
        }
        bytes.store(UInt32(oldCount), at: 84)
        bytes += new.entries
        let failure = counters.withUnsafeMutableBytes { counters in
            bytes.store(UInt(bitPattern: counters.baseAddress), at: 88)
            return set(64, bytes)
        }
        if let failure { throw failure }
        return counters
    }

    /// IPT_SO_SET_ADD_COUNTERS, 16 bytes for each entry of the table.
    func addCounters(_ table: IPTablesTable, _ counters: [UInt8]) throws(Errno) {
        var bytes = XTablesSocket.name(table) + [UInt8](repeating: 0, count: 8)
        bytes.store(UInt32(counters.count / 16), at: 32)
        if let failure = set(65, bytes + counters) { throw failure }
    }

    private func get(_ option: CInt, _ bytes: inout [UInt8]) throws(Errno) {
        var length = socklen_t(bytes.count)
        let result = bytes.withUnsafeMutableBytes { getsockopt(descriptor, level, option, $0.baseAddress, &length) }
        if result != 0 { throw Errno(rawValue: errno) }
    }

    private func set(_ option: CInt, _ bytes: [UInt8]) -> Errno? {
        setsockopt(descriptor, level, option, bytes, socklen_t(bytes.count)) == 0 ? nil : Errno(rawValue: errno)
    }

    /// XT_TABLE_MAXNAMELEN bytes.
    private static func name(_ table: IPTablesTable) -> [UInt8] {
        let name = Array(table.rawValue.utf8)
        return name + [UInt8](repeating: 0, count: 32 - name.count)
    }
}
