internal import NetworkAddress

extension IPTablesRule: CustomStringConvertible {
    /// What `iptables-save` prints after `-A CHAIN `, and `iptables-restore` reads; empty for a rule of no parts.
    public var description: String {
        var words: [String] = []
        if let source { words += source.words("-s") { "\($0)" } }
        if let destination { words += destination.words("-d") { "\($0)" } }
        if let inputLink { words += inputLink.words("-i") { "\($0)" } }
        if let outputLink { words += outputLink.words("-o") { "\($0)" } }
        if let protocolNumber { words += ["-p", "\(protocolNumber)"] }
        for match in matches { words += ["-m", match.text] }
        if let text = target.text { words += ["-j", text] }
        return words.joined(separator: " ")
    }
}

extension IPTablesRule.Test {
    fileprivate func words(_ option: String, _ text: (Value) -> String) -> [String] {
        (isNegated ? ["!", option] : [option]) + [text(value)]
    }
}

extension IPTablesRule.Match {
    fileprivate var text: String {
        switch self {
        case .comment(let comment): "comment --comment \(comment.quoted)"
        case .localDestination: "addrtype --dst-type LOCAL"
        // Every port is what these two look for when they are told nothing.
        case .destinationPorts(let transport, let ports) where ports == 0...UInt16.max && transport != .sctp:
            "\(transport)"
        case .destinationPorts(let transport, let ports): "\(transport) --dport \(ports.text)"
        case .multiport(let ports): "multiport --dports \(ports.ranges.map(\.text).joined(separator: ","))"
        case .mark(let value, .max): "mark --mark \(value.hexadecimal)"
        case .mark(let value, let mask): "mark --mark \(value.hexadecimal)/\(mask.hexadecimal)"
        case .isAnswer: "conntrack --ctstate RELATED,ESTABLISHED"
        }
    }
}

extension IPTablesRule.Target {
    fileprivate var text: String? {
        switch self {
        case .none: nil
        case .accept: "ACCEPT"
        case .drop: "DROP"
        case .return: "RETURN"
        case .jump(let chain): "\(chain)"
        case .destination(let destination): "DNAT --to-destination \(destination.text)"
        case .masquerade: "MASQUERADE"
        case .setMark(let value, let mask): "MARK --set-xmark \(value.hexadecimal)/\(mask.hexadecimal)"
        }
    }
}

extension IPTablesRule.Destination {
    fileprivate var text: String {
        guard let ports else { return "\(address)" }
        let host = address.family == .ipv6 ? "[\(address)]" : "\(address)"
        let range = ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
        return "\(host):\(range)" + (basePort.map { "/\($0)" } ?? "")
    }
}

extension ClosedRange<UInt16> {
    fileprivate var text: String { count == 1 ? "\(lowerBound)" : "\(lowerBound):\(upperBound)" }
}

extension UInt32 {
    fileprivate var hexadecimal: String { "0x\(String(self, radix: 16))" }
}
