import CNI
import InterfaceTestSupport
import JSON
import NetworkAddress
import PacketFilter
import Testing

@testable import portmap

/// Conditions of administrators: few are understood, and the others are refused word by word.
@Suite("RuleCondition")
struct RuleConditionTests {
    /// What a key holds, each as `not source 192.0.2.0/24`.
    private func conditions(_ words: String, _ family: AddressFamily) throws -> [String] {
        let key = family == .ipv4 ? "conditionsV4" : "conditionsV6"
        return try PortmapConfigurationTests.decode(#"{"\#(key)":\#(words)}"#).conditions.map { condition in
            #expect(condition.family == family)
            let text =
                switch condition.subject {
                case .source(let prefix): "source \(prefix)"
                case .destination(let prefix): "destination \(prefix)"
                case .inputLink(let name): "link \(name)"
                }
            return (condition.isNegated ? "not " : "") + text
        }
    }

    @Test(
        "words of iptables and of nft are understood",
        arguments: [
            ("[]", []), (#"["-s","192.0.2.0/24"]"#, ["source 192.0.2.0/24"]),
            (#"["--source","192.0.2.7"]"#, ["source 192.0.2.7/32"]),
            (#"["-s","192.0.2.7/24"]"#, ["source 192.0.2.0/24"]), (#"["-s","0.0.0.0/0"]"#, ["source 0.0.0.0/0"]),
            (#"["!","-s","192.0.2.0/24"]"#, ["not source 192.0.2.0/24"]),
            (#"["-d","198.51.100.1"]"#, ["destination 198.51.100.1/32"]),
            (#"["!","--destination","198.51.100.0/24"]"#, ["not destination 198.51.100.0/24"]),
            (#"["-i","eth0"]"#, ["link eth0"]), (#"["!","--in-interface","br0.100"]"#, ["not link br0.100"]),
            (#"["ip","saddr","192.0.2.0/24"]"#, ["source 192.0.2.0/24"]),
            (#"["ip","daddr","!=","192.0.2.1"]"#, ["not destination 192.0.2.1/32"]),
            (#"["iifname","veth_1-a@b"]"#, ["link veth_1-a@b"]), (#"["iifname","!=","lo"]"#, ["not link lo"]),
            (
                #"["!","-i","eth1","-s","192.0.2.0/24","ip","daddr","192.0.2.1"]"#,
                ["not link eth1", "source 192.0.2.0/24", "destination 192.0.2.1/32"]
            ),
        ])
    func understood(words: String, expected: [String]) throws {
        #expect(try conditions(words, .ipv4) == expected)
    }

    @Test(
        "those of IPv6 are about IPv6",
        arguments: [
            (#"["-s","2001:db8::/32"]"#, ["source 2001:db8::/32"]),
            (#"["!","-d","2001:DB8::1"]"#, ["not destination 2001:db8::1/128"]),
            (#"["ip6","saddr","!=","2001:db8::1/64"]"#, ["not source 2001:db8::/64"]),
            (#"["ip6","daddr","::/0","-i","eth0"]"#, ["destination ::/0", "link eth0"]),
        ])
    func understoodOfIPv6(words: String, expected: [String]) throws {
        #expect(try conditions(words, .ipv6) == expected)
    }

    private static let condition =
        "expected -s, -d or -i, with ! before it, or ip saddr, ip daddr or iifname of the family"
    private static let prefix = "expected an address or a prefix of family ipv4"
    private static let twice = "expected one condition at most on source, on destination and on link"
    private static let link =
        "expected the name of a link (1 to 15 characters other than '/', ':' and white space)"

    @Test(
        "everything else is refused, and the word is named",
        arguments: [
            (#"["-j","ACCEPT"]"#, #"[0]: \#(condition), found the string "-j""#),
            (#"[""]"#, #"[0]: \#(condition), found the string """#), ("[null]", "[0]: \(condition), found nothing"),
            ("[7]", "[0]: expected a string, found the number 7"),
            (#"["-S","192.0.2.0/24"]"#, #"[0]: \#(condition), found the string "-S""#),
            (#"["-s 192.0.2.0/24"]"#, #"[0]: \#(condition), found the string "-s 192.0.2.0/24""#),
            (
                #"["ip saddr 192.0.2.2; delete table ip foreign"]"#,
                #"[0]: \#(condition), found the string "ip saddr 192.0.2.2; delete table ip foreign""#
            ),
            (#"["-p","tcp"]"#, #"[0]: \#(condition), found the string "-p""#),
            (#"["-o","eth0"]"#, #"[0]: \#(condition), found the string "-o""#),
            (#"["ip6","saddr","2001:db8::1"]"#, #"[0]: \#(condition), found the string "ip6""#),
            (#"["-s","192.0.2.0/24","drop"]"#, #"[2]: \#(condition), found the string "drop""#),
            (#"["!"]"#, #"[0]: expected something after it, found the string "!""#),
            (#"["-s"]"#, #"[0]: expected something after it, found the string "-s""#),
            (#"["!","-i"]"#, #"[1]: expected something after it, found the string "-i""#),
            (#"["ip"]"#, #"[0]: expected something after it, found the string "ip""#),
            (#"["ip","saddr"]"#, #"[1]: expected something after it, found the string "saddr""#),
            (#"["ip","saddr","!="]"#, #"[2]: expected something after it, found the string "!=""#),
            (#"["ip","protocol","tcp"]"#, #"[1]: expected saddr or daddr, found the string "protocol""#),
            (#"["!","!","-s","192.0.2.1"]"#, #"[1]: \#(condition), found the string "!""#),
            (#"["!","ip","saddr","192.0.2.1"]"#, #"[1]: \#(condition), found the string "ip""#),
            (#"["!","iifname","eth0"]"#, #"[1]: \#(condition), found the string "iifname""#),
            // Each language has its own negation.
            (#"["-s","!","192.0.2.1"]"#, #"[1]: \#(prefix), found the string "!""#),
            (#"["-s","!=","192.0.2.1"]"#, #"[1]: \#(prefix), found the string "!=""#),
            (#"["!","-s","!=","192.0.2.1"]"#, #"[2]: \#(prefix), found the string "!=""#),
            (#"["ip","saddr","!=","!=","192.0.2.1"]"#, #"[3]: \#(prefix), found the string "!=""#),
            (#"["-s","2001:db8::/32"]"#, #"[1]: \#(prefix), found the string "2001:db8::/32""#),
            (#"["-s","192.0.2.0/33"]"#, #"[1]: \#(prefix), found the string "192.0.2.0/33""#),
            (#"["-s","192.0.2.1,192.0.2.2"]"#, #"[1]: \#(prefix), found the string "192.0.2.1,192.0.2.2""#),
            (#"["-s","@set"]"#, #"[1]: \#(prefix), found the string "@set""#),
            (#"["-s",""]"#, #"[1]: \#(prefix), found the string """#),
            (#"["-d",7]"#, "[1]: \(prefix), found the number 7"),
            (#"["-i","eth+"]"#, #"[1]: \#(link), found the string "eth+""#),
            (#"["iifname","eth*"]"#, #"[1]: \#(link), found the string "eth*""#),
            (#"["-i","a b"]"#, #"[1]: \#(link), found the string "a b""#),
            (#"["-i","sixteen-bytes-xx"]"#, #"[1]: \#(link), found the string "sixteen-bytes-xx""#),
            (#"["-i","a\"b"]"#, #"[1]: \#(link), found the string "a"b""#),
            (#"["-s","192.0.2.1","-i","eth0","!","-s","192.0.2.2"]"#, #"[4]: \#(twice), found the string "!""#),
            (#"["-i","eth0","iifname","eth1"]"#, #"[2]: \#(twice), found the string "iifname""#),
            (#"["iifname","ä"]"#, #"[1]: \#(link), found the string "ä""#),
        ])
    func refused(words: String, message: String) {
        #expect(failure { try conditions(words, .ipv4) } == "conditionsV4" + message)
        #expect(code { try conditions(words, .ipv4) } == 7)
    }
}
