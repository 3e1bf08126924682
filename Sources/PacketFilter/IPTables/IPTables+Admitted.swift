public import NetworkAddress

extension IPTables {
    /// What the records in tables of either kind say.
    public func admittedAddresses(_ whose: AdmittedAttachments) throws(PacketFilterError) -> Set<IPAddress> {
        let lock = try IPTables.lockForReading()
        defer { lock.release() }
        var addresses: Set<IPAddress> = []
        for kind in kinds {
            for family in AddressFamily.allCases where try kind.mayContain(.filter, .forwarding, family) {
                for record in try kind.state(family, [.filter]).admissionRecords where record.isOf(whose) {
                    addresses.formUnion(record.addresses)
                }
            }
        }
        return addresses
    }
}

extension AdmissionRecord {
    fileprivate func isOf(_ whose: AdmittedAttachments) -> Bool {
        switch whose {
        case .all: true
        case .one(let owner): chain == .record(of: owner)
        case .network(let network, let living):
            isOf(network: network) && !living.contains { chain == .record(of: $0) }
        }
    }
}
