internal import NetworkAddress
internal import SystemPackage

/// The legacy kind of iptables, spoken to in process. It works in the network namespace of the calling thread.
public struct LegacyIPTables: Sendable {
    public init() {}

    /// Brings a plan into the tables; a port that is published already is a conflict, and nothing changes.
    public func apply(_ plan: IPTablesPlan) throws(PacketFilterError) {
        do throws(PacketFilterError) {
            try change(plan.family, plan.tables, creating: true) { state throws(PacketFilterError) in
                try state.changes(applying: plan)
            }
        } catch {
            // The guard of loopback addresses comes first, and is of no use without the rest.
            if plan.tables.contains(.raw) {
                try? change(plan.family, [.nat, .raw]) { state in state.removalOfUnusedGuard.changes }
            }
            throw error
        }
    }

    /// Takes out what there is for one container, in both families, whoever made it; nothing is no error, and makes no
    /// table.
    ///
    /// - Returns: what was published.
    @discardableResult
    public func remove(
        _ purpose: OwnerComment.Purpose, _ owner: RuleOwner
    ) throws(PacketFilterError) -> [PublishedPort] {
        try remove(purpose == .portForwarding ? [.nat, .raw] : [.nat]) { state in
            state.removal(of: purpose, owner.network, owner.containerID)
        }
    }

    /// Takes out what there is for containers of a network that are not among the `living`, in both families.
    ///
    /// - Returns: what was published.
    @discardableResult
    public func collectGarbage(
        network: String, living: Set<String>
    ) throws(PacketFilterError) -> [PublishedPort] {
        try remove([.nat, .raw]) { state in state.removal(ofNetwork: network, sparing: living) }
    }

    /// Throws where a rule of the plan is missing.
    public func check(_ plan: IPTablesPlan) throws(PacketFilterError) {
        var state = IPTablesState(plan.family)
        if try LegacyTables.isLoaded(.nat, plan.family) {
            let connection = try LegacyConnection(plan.family, isLocking: false)
            state = IPTablesState(plan.family, tables: [.nat: try connection.read(.nat).state])
        }
        try state.check(plan)
    }

    private func remove(
        _ tables: [IPTablesTable], _ decide: (IPTablesState) -> IPTablesRemoval
    ) throws(PacketFilterError) -> [PublishedPort] {
        var published: [PublishedPort] = []
        var failure: PacketFilterError?
        for family in AddressFamily.allCases {
            do throws(PacketFilterError) {
                // The guard is of IPv4 only. It goes last.
                try change(family, family == .ipv4 ? tables : [.nat]) { state in
                    let removal = decide(state)
                    // An attempt that got half way took out what the next one no longer finds.
                    for port in removal.published where !published.contains(port) { published.append(port) }
                    return removal.changes
                }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return published
    }

    /// Reads tables, lets `decide` say what to change, and writes those back that change, in their order; all of it
    /// again where somebody who does not take the lock came in between.
    private func change(
        _ family: AddressFamily, _ tables: [IPTablesTable], creating: Bool = false,
        _ decide: (IPTablesState) throws(PacketFilterError) -> [IPTablesChange]
    ) throws(PacketFilterError) {
        var present = tables
        if !creating {
            present = []
            for table in tables where try LegacyTables.isLoaded(table, family) { present.append(table) }
            if present.isEmpty { return }
        }
        let connection = try LegacyConnection(family, isLocking: true)
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
