internal import LinuxSystem
internal import NetworkAddress
internal import SystemPackage

/// Reads and writes whole tables of one family, in the network namespace of the calling thread.
struct LegacyConnection: ~Copyable {
    private let family: AddressFamily
    private let socket: XTablesSocket
    private let lock: FileLock?

    /// One that changes tables holds the lock for all its life.
    init(_ family: AddressFamily, isLocking: Bool) throws(PacketFilterError) {
        let lock = isLocking ? try XTablesLock.take() : nil
        do throws(Errno) {
            socket = try XTablesSocket(family)
        } catch {
            throw PacketFilterError(backend: .iptables, operation: "open a raw socket", cause: .kernel(error))
        }
        self.lock = lock
        self.family = family
    }

    /// Reads a table; where the namespace has none it is made.
    func read(_ table: IPTablesTable) throws(PacketFilterError) -> LegacyTable {
        for _ in 0..<LegacyConnection.attempts {
            let information: LegacyTableInformation
            let entries: [UInt8]
            do throws(Errno) {
                information = try self.information(of: table)
                entries = try socket.entries(of: table, size: Int(information.size))
            } catch .resourceTemporarilyUnavailable {
                continue  // It grew or shrank in between.
            } catch {
                throw failure("read", table, error)
            }
            return try LegacyTable(family, table, information, entries: entries)
        }
        throw failure("read", table, .resourceTemporarilyUnavailable)
    }

    /// Writes a table back, and gives the rules that stay their counters again. False where somebody else changed the
    /// table since it was read.
    func write(_ table: LegacyTable) throws(PacketFilterError) -> Bool {
        let new = table.compiled()
        do throws(Errno) {
            let old = try socket.replace(table.table, with: new, oldCount: table.entryCount)
            var counters = [UInt8](repeating: 0, count: 16 * new.positions.count)
            for case (let index, let position?) in new.positions.enumerated() {
                counters.store(old[(16 * position)..<(16 * position + 16)], at: 16 * index)
            }
            // The change is made. Only where somebody without the lock changed the table again this fails, and
            // failing the change for that would say that there are no rules where there are.
            try? socket.addCounters(table.table, counters)
            return true
        } catch .resourceTemporarilyUnavailable {
            return false
        } catch {
            throw failure("write", table.table, error)
        }
    }

    static let attempts = 10

    private func information(of table: IPTablesTable) throws(Errno) -> LegacyTableInformation {
        do throws(Errno) {
            return try socket.information(of: table)
        } catch .protocolNotAvailable {
            LegacyTables.loadModule(family)
            return try socket.information(of: table)
        }
    }

    private func failure(_ verb: String, _ table: IPTablesTable, _ error: Errno) -> PacketFilterError {
        let name = family == .ipv4 ? "IPv4" : "IPv6"
        let isMissing = error == .protocolNotAvailable || (error == .noSuchFileOrDirectory && verb == "read")
        return PacketFilterError(
            backend: .iptables, operation: "\(verb) table \(table) of \(name)",
            cause: isMissing ? .unsupported : .kernel(error),
            message: isMissing ? "the kernel has no legacy tables, or not this one" : nil)
    }
}
