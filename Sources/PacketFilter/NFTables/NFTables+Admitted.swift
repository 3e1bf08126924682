public import NetworkAddress

extension NFTables {
    /// What the records of the table say.
    public func admittedAddresses(_ whose: AdmittedAttachments) throws(PacketFilterError) -> Set<IPAddress> {
        guard let table = try existingTable(NFTFirewall.layout) else { return [] }
        var addresses: Set<IPAddress> = []
        for record in try table.records(of: whose) {
            for element in try table.recorded(record) {
                if case .address(let address)? = element.key.first { addresses.insert(address) }
            }
        }
        return addresses
    }
}

extension NFTOwnedTable {
    /// The names of the chains that record what these attachments have.
    fileprivate func records(of whose: AdmittedAttachments) throws(PacketFilterError) -> [String] {
        switch whose {
        case .all: return try connection.chains(prefix: NFTOwnedTable.recordPrefix).map(\.name)
        case .one(let owner): return [NFTOwnedTable.record(of: owner)]
        case .network(let network, let living):
            let kept = Set(living.map(NFTOwnedTable.record))
            return try connection.chains(prefix: NFTOwnedTable.recordPrefix(network: network)).map(\.name)
                .filter { !kept.contains($0) }
        }
    }
}
