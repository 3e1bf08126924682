internal import NetworkAddress
internal import SystemPackage

/// The legacy kind of iptables, spoken to in process.
struct LegacyIPTables: IPTablesKind {
    /// Reading a table is one call of the kernel, and tells all that is in it.
    func mayContain(
        _ table: IPTablesTable, _ chain: ChainName, _ family: AddressFamily
    ) throws(PacketFilterError) -> Bool {
        try LegacyTables.isLoaded(table, family)
    }

    func state(_ family: AddressFamily, _ tables: [IPTablesTable]) throws(PacketFilterError) -> IPTablesState {
        let present = try loaded(tables, family)
        if present.isEmpty { return IPTablesState(family) }
        let connection = try LegacyConnection(family, isLocking: false)
        var found: [IPTablesTable: [String: [IPTablesState.Rule]]] = [:]
        for table in present { found[table] = try connection.read(table).state }
        return IPTablesState(family, tables: found)
    }

    func change(
        _ family: AddressFamily, _ tables: [IPTablesTable], creating: Bool,
        _ decide: (IPTablesState) throws(PacketFilterError) -> [IPTablesChange]
    ) throws(PacketFilterError) {
        let present = creating ? tables : try loaded(tables, family)
        if present.isEmpty { return }
        let connection = try LegacyConnection(family, isLocking: true)
        // Not everybody takes the lock; the kernel notices.
        for _ in 0..<LegacyConnection.attempts {
            var found: [IPTablesTable: LegacyTable] = [:]
            for table in present { found[table] = try connection.read(table) }
            let changes = try decide(IPTablesState(family, tables: found.mapValues(\.state)))
            if try write(changes, found, present, connection) { return }
        }
        throw PacketFilterError(
            backend: .iptables, operation: "change tables", cause: .kernel(.resourceTemporarilyUnavailable),
            message: "somebody else keeps changing them")
    }

    /// A table is made by being looked at; only those that are there can be asked about.
    func tryOut(
        _ family: AddressFamily, _ tables: [IPTablesTable],
        _ decide: (IPTablesState) throws(PacketFilterError) -> [IPTablesChange]
    ) throws(PacketFilterError) {
        _ = try state(family, tables)
    }

    private func loaded(
        _ tables: [IPTablesTable], _ family: AddressFamily
    ) throws(PacketFilterError) -> [IPTablesTable] {
        var present: [IPTablesTable] = []
        for table in tables where try LegacyTables.isLoaded(table, family) { present.append(table) }
        return present
    }

    /// False where a table is no longer as it was read.
    private func write(
        _ changes: [IPTablesChange], _ found: [IPTablesTable: LegacyTable], _ order: [IPTablesTable],
        _ connection: borrowing LegacyConnection
    ) throws(PacketFilterError) -> Bool {
        for name in order {
            let steps = changes.filter { $0.table == name }
            guard !steps.isEmpty, var table = found[name] else { continue }
            for step in steps { try table.make(step) }
            if try !connection.write(table) { return false }
        }
        return true
    }
}
