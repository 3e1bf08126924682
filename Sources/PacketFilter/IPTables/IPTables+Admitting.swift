public import NetworkAddress

extension IPTables {
    /// Appends rules that accept the container's packets to `CNI-FORWARD` (`iptables -A`), and isolates its bridge.
    public func admit(_ admission: ContainerAdmission) throws(PacketFilterError) {
        var plans: [IPTablesAdmission] = []
        for family in AddressFamily.allCases {
            if let plan = try IPTablesAdmission(admission, family) { plans.append(plan) }
        }
        if plans.isEmpty { return }
        let kind = try kind()
        let lock = try PacketFilterLock()
        defer { lock.release() }
        let owner = admission.owner
        let others = AddressFamily.allCases.filter { family in !plans.contains { $0.family == family } }
        try kind.stopAdmitting(owner, addresses: [], others)
        var isApplied = false
        do throws(PacketFilterError) {
            for plan in plans {
                try kind.change(plan.family, [.filter], creating: true) { state throws(PacketFilterError) in
                    try state.changes(admitting: plan)
                }
                isApplied = true
            }
        } catch {
            if isApplied { try? kind.stopAdmitting(owner, addresses: []) }
            throw error
        }
    }

    /// Checks that every rule is there (`iptables -C`), and in an order that does what is wanted.
    public func check(_ admission: ContainerAdmission) throws(PacketFilterError) {
        let kind = try kind()
        let lock = try IPTables.lockForReading()
        defer { lock.release() }
        for family in AddressFamily.allCases {
            if let plan = try IPTablesAdmission(admission, family) { try kind.state(family, [.filter]).check(plan) }
        }
    }

    /// Deletes what the owner's record names (`iptables -D`), and rules for these addresses that nobody else has.
    public func stopAdmitting(_ owner: RuleOwner, addresses: [IPAddress]) throws(PacketFilterError) {
        guard try mayHaveAdmitted(owner, addresses) else { return }
        let lock = try PacketFilterLock()
        defer { lock.release() }
        try inBothKinds { kind throws(PacketFilterError) in try kind.stopAdmitting(owner, addresses: addresses) }
    }

    /// Deletes what records name of attachments to a network that are not among `living`.
    public func stopAdmitting(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) {
        let lock = try PacketFilterLock()
        defer { lock.release() }
        try inBothKinds { kind throws(PacketFilterError) in
            try kind.removeAdmissions { $0.removal(ofAdmissionsTo: network, sparing: living) }
        }
    }

    /// Finds out whether ``admit(_:)`` could work, without changing anything.
    public func checkAdmitting() throws(PacketFilterError) {
        let kind = try kind()
        let admission = ContainerAdmission(
            owner: IPTables.nobody, addresses: [.unspecified(.ipv4)], policy: .sameBridge("status"))
        guard let plan = try IPTablesAdmission(admission, .ipv4) else { return }
        try kind.tryOut(.ipv4, [.filter]) { state throws(PacketFilterError) in
            try state.changes(admitting: plan)
        }
    }

    /// Most often there is nothing: found out without a lock, and without reading tables.
    private func mayHaveAdmitted(_ owner: RuleOwner, _ addresses: [IPAddress]) throws(PacketFilterError) -> Bool {
        for kind in kinds {
            for family in AddressFamily.allCases {
                if try kind.mayContain(.filter, .record(of: owner), family) { return true }
                let isNamed = addresses.contains { $0.family == family }
                if isNamed, try kind.mayContain(.filter, .forwarding, family) { return true }
            }
        }
        return false
    }
}

extension IPTablesKind {
    /// Takes out what there is for one attachment, and for these addresses.
    fileprivate func stopAdmitting(
        _ owner: RuleOwner, addresses: [IPAddress], _ families: [AddressFamily] = AddressFamily.allCases
    ) throws(PacketFilterError) {
        try removeAdmissions(families) { state in
            state.removal(ofAdmissionOf: owner, addresses: addresses.filter { $0.family == state.family })
        }
    }

    /// Takes something out in both families, or in some, whatever fails in one of them.
    fileprivate func removeAdmissions(
        _ families: [AddressFamily] = AddressFamily.allCases, _ decide: (IPTablesState) -> [IPTablesChange]
    ) throws(PacketFilterError) {
        var failure: PacketFilterError?
        for family in families {
            do throws(PacketFilterError) {
                try change(family, [.filter], creating: false) { decide($0) }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }
}
