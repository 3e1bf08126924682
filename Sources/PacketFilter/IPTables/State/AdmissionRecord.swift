internal import NetworkAddress

/// What the chain says that records an admission.
struct AdmissionRecord {
    let chain: ChainName
    /// Empty where somebody has emptied it.
    let comments: [RuleComment]
    let addresses: [IPAddress]
    let isolations: [IPTablesAdmission.Isolation]

    fileprivate init(_ chain: ChainName, _ rules: [IPTablesRule]) {
        self.chain = chain
        comments = rules.compactMap(\.comment)
        addresses = rules.compactMap { rule in
            if case .only(let prefix)? = rule.source { prefix.address } else { nil }
        }
        isolations = rules.compactMap { IPTablesAdmission.Isolation(record: $0) }
    }

    /// Whether it belongs to an attachment to that network.
    func isOf(network: String) -> Bool {
        comments.contains { $0.description.hasPrefix(AdmissionComment.start(network: network)) }
    }
}

extension IPTablesState {
    /// All records, sorted by name.
    var admissionRecords: [AdmissionRecord] {
        chains(.filter, startingWith: ChainName.recordPrefix).map { chain in
            AdmissionRecord(chain, (rules(.filter, chain) ?? []).compactMap(\.rule))
        }
    }

    /// The addresses whose packets are accepted, by whomever.
    var acceptedAddresses: Set<IPAddress> {
        Set(
            (rules(.filter, .forwarding) ?? []).compactMap(\.rule).compactMap { rule in
                guard rule.target == .accept, case .only(let prefix)? = rule.source ?? rule.destination,
                    IPTablesRule.accepting(prefix.address).contains(rule)
                else { return nil }
                return prefix.address
            })
    }

    /// Whether `CNI-FORWARD` is as it was made, and nobody has emptied it since: its first rule never goes alone.
    var isForwardingIntact: Bool {
        rules(.filter, .forwarding)?.contains { $0.rule?.leadsToAdministrators ?? false } ?? false
    }

    /// The chains of administrators that `CNI-FORWARD` or `FORWARD` lead to.
    var administratorChains: [ChainName] {
        var chains: [ChainName] = []
        for place in [ChainName.forwarding, .forward] {
            for rule in (rules(.filter, place) ?? []).compactMap(\.rule) where rule.leadsToAdministrators {
                if let chain = rule.jumpDestination, !chains.contains(chain) { chains.append(chain) }
            }
        }
        return chains
    }
}
