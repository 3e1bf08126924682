internal import CNI
internal import JSON
internal import NetworkAddress
internal import PacketFilter

extension JSONField {
    /// Conditions of an administrator, in the words of iptables or of nft, one word an element:
    ///
    ///     condition: "!"? ( "-s" | "--source" | "-d" | "--destination" ) prefix | "!"? ( "-i" | "--in-interface" ) link
    ///              | ( "ip" | "ip6" ) ( "saddr" | "daddr" ) "!="? prefix | "iifname" "!="? link
    ///
    /// Anything else is refused: this is text that would otherwise become part of a rule. So is a second condition on the
    /// same thing, for which a rule of iptables has no room.
    func ruleConditions(_ family: AddressFamily) throws(JSONError) -> [RuleCondition] {
        var words = try elements()[...]
        // A rule has room for some, and nobody needs more.
        if words.count > 64 { throw error(expected: "at most 64 words") }
        var conditions: [RuleCondition] = []
        while let first = words.popFirst() {
            let condition = try JSONField.condition(first, &words, family)
            if conditions.contains(where: { $0.subject.isSameKind(as: condition.subject) }) {
                throw first.error(expected: "one condition at most on source, on destination and on link")
            }
            conditions.append(condition)
        }
        return conditions
    }

    private static func condition(
        _ first: JSONField, _ rest: inout ArraySlice<JSONField>, _ family: AddressFamily
    ) throws(JSONError) -> RuleCondition {
        var (word, isNegated) = (first, false)
        if try word.string() == "!" {
            isNegated = true
            word = try next(&rest, after: word)
        }
        let kind: String
        var isOfNFT = false
        switch try word.string() {
        case "-s", "--source": kind = "saddr"
        case "-d", "--destination": kind = "daddr"
        case "-i", "--in-interface": kind = "iifname"
        case "ip" where family == .ipv4 && !isNegated, "ip6" where family == .ipv6 && !isNegated:
            word = try next(&rest, after: word)
            guard let text = try word.string(), ["saddr", "daddr"].contains(text) else {
                throw word.error(expected: "saddr or daddr")
            }
            (kind, isOfNFT) = (text, true)
        case "iifname" where !isNegated: (kind, isOfNFT) = ("iifname", true)
        default:
            throw word.error(expected: "-s, -d or -i, with ! before it, or ip saddr, ip daddr or iifname of the family")
        }
        var value = try next(&rest, after: word)
        if isOfNFT, try value.string() == "!=" {
            isNegated = true
            value = try next(&rest, after: value)
        }
        return RuleCondition(family, try subject(kind, value, family), isNegated: isNegated)
    }

    private static func next(_ rest: inout ArraySlice<JSONField>, after word: JSONField) throws(JSONError) -> JSONField
    {
        guard let next = rest.popFirst() else { throw word.error(expected: "something after it") }
        return next
    }

    private static func subject(
        _ kind: String, _ value: JSONField, _ family: AddressFamily
    ) throws(JSONError) -> RuleCondition.Subject {
        if kind == "iifname" {
            let expected = "the name of a link (\(Names.interfaceNameRule))"
            return .inputLink(
                try value.required(expected) { field throws(JSONError) in
                    try field.text(expected) { isPlainLinkName($0) ? $0 : nil }
                })
        }
        let expected = "an address or a prefix of family \(family)"
        let prefix: IPPrefix = try value.required(expected) { field throws(JSONError) in
            try field.text(expected) { text in
                let prefix = IPPrefix(text) ?? IPAddress(text).map(IPPrefix.init(only:))
                return prefix?.family == family ? prefix?.network : nil
            }
        }
        return kind == "saddr" ? .source(prefix) : .destination(prefix)
    }

    /// Letters, digits, `.`, `_`, `-` and `@`: nothing that means something in a rule.
    private static func isPlainLinkName(_ text: String) -> Bool {
        Names.isInterfaceName(text)
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x40...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == 0x2E || byte == 0x5F || byte == 0x2D
            }
    }
}

extension RuleCondition.Subject {
    fileprivate func isSameKind(as other: RuleCondition.Subject) -> Bool {
        switch (self, other) {
        case (.source, .source), (.destination, .destination), (.inputLink, .inputLink): true
        default: false
        }
    }
}
