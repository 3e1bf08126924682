import CNI
import InterfaceTestSupport
import JSON
import NetworkAddress
import PacketFilter
import PacketFilterSetup
import Testing

@testable import portmap

@Suite("PortmapConfiguration")
struct PortmapConfigurationTests {
    static func decode(_ text: String) throws -> PortmapConfiguration {
        try PortmapConfiguration(FakeRuntime.configuration(text))
    }

    /// The mappings, each as `8080/tcp to 80`.
    static func mappings(_ entries: String) throws -> [String] {
        try decode(PortmapScene.json(entries)).mappings.map { "\($0) to \($0.containerPort)" }
    }

    @Test(
        "what is absent, null or an empty text has the documented default",
        arguments: [
            "{}", #"{"runtimeConfig":{}}"#, #"{"runtimeConfig":{"portMappings":[]}}"#,
            #"{"runtimeConfig":{"portMappings":null}}"#, #"{"runtimeConfig":null}"#,
            #"{"snat":null,"masqAll":null,"markMasqBit":null,"conditionsV4":null,"conditionsV6":[],"backend":null}"#,
            #"{"backend":"","externalSetMarkChain":""}"#, #"{"snat":true,"masqAll":false,"markMasqBit":13}"#,
        ])
    func defaults(text: String) throws {
        let configuration = try Self.decode(text)
        #expect(configuration.mappings.isEmpty && configuration.conditions.isEmpty)
        #expect(configuration.backend == nil)
        #expect(configuration.sourceTranslation == .whereNeeded && configuration.mark == .bit(13))
    }

    @Test("every key is read, spelled in any case")
    func everyKey() throws {
        let configuration = try Self.decode(
            """
            {"BACKEND":"iptables","MasqAll":true,"markmasqbit":5,"conditionsv4":["-i","eth0"],
             "ConditionsV6":["ip6","saddr","2001:db8::/32"],"RuntimeConfig":{"PORTMAPPINGS":[
             {"HostPort":8080,"CONTAINERPORT":80,"Protocol":"UDP","HostIP":"192.0.2.1","Range":1}]}}
            """)
        #expect(configuration.backend == .iptables)
        #expect(configuration.sourceTranslation == .always && configuration.mark == .bit(5))
        #expect(configuration.conditions.map(\.family) == [.ipv4, .ipv6])
        let mapping = PortMapping(
            .udp, hostAddress: IPAddress("192.0.2.1"), hostPorts: 8080...8080, containerPort: 80)
        #expect(configuration.mappings == [mapping])
        #expect(try Self.decode(#"{"backend":"nftables"}"#).backend == .nftables)
        #expect(
            try Self.decode(#"{"externalSetMarkChain":"KUBE-MARK-MASQ"}"#).mark == .externalChain("KUBE-MARK-MASQ"))
    }

    @Test(
        "whose source is translated",
        arguments: [
            (#"{"snat":false}"#, .never), (#"{"snat":false,"masqAll":true}"#, .never),
            (#"{"snat":true}"#, .whereNeeded),
            (#"{"masqAll":true}"#, .always),
        ] as [(String, PortForwarding.SourceTranslation)])
    func translation(text: String, expected: PortForwarding.SourceTranslation) throws {
        #expect(try Self.decode(text).sourceTranslation == expected)
    }

    @Test(
        "a mapping has a protocol, an address and a range where it says so",
        arguments: [
            (#"{"hostPort":1,"containerPort":65535}"#, ["1/tcp to 65535"]),
            (#"{"hostPort":80,"containerPort":80,"protocol":"","hostIP":"","range":0}"#, ["80/tcp to 80"]),
            (#"{"hostPort":80,"containerPort":81,"protocol":"sctp","range":1}"#, ["80/sctp to 81"]),
            (#"{"hostPort":80,"containerPort":80,"hostIP":"0.0.0.0"}"#, ["80/tcp to 80"]),
            (#"{"hostPort":80,"containerPort":80,"hostIP":"127.0.0.1"}"#, ["127.0.0.1:80/tcp to 80"]),
            (#"{"hostPort":80,"containerPort":80,"hostIP":"2001:DB8::1"}"#, ["[2001:db8::1]:80/tcp to 80"]),
            (#"{"hostPort":9000,"containerPort":9000,"range":5}"#, ["9000-9004/tcp to 9000"]),
            (#"{"hostPort":1,"containerPort":1,"range":65535}"#, ["1-65535/tcp to 1"]),
            (#"{"hostPort":65535,"containerPort":1,"range":1,"unknown":7}"#, ["65535/tcp to 1"]),
        ])
    func mapping(entry: String, expected: [String]) throws {
        #expect(try Self.mappings(entry) == expected)
    }

    @Test("a mapping that is given twice is one; another protocol or address is another")
    func duplicates() throws {
        let web = PortmapScene.web
        #expect(try Self.mappings("\(web),\(web)") == ["8080/tcp to 80"])
        #expect(
            try Self.mappings(
                #"\#(web),{"hostPort":8080,"containerPort":80,"protocol":"udp"},{"hostPort":8081,"containerPort":80}"#)
                == ["8080/tcp to 80", "8080/udp to 80", "8081/tcp to 80"])
        let addressed = ["192.0.2.1", "192.0.2.2", "::"].map {
            #"{"hostPort":8080,"containerPort":80,"hostIP":"\#($0)"}"#
        }
        #expect(
            try Self.mappings(addressed.joined(separator: ","))
                == ["192.0.2.1:8080/tcp to 80", "192.0.2.2:8080/tcp to 80", "8080/tcp to 80"])
    }

    private static let condition =
        "expected -s, -d or -i, with ! before it, or ip saddr, ip daddr or iifname of the family"

    @Test(
        "what is wrong is refused with code 7 and a text that names key, expectation and finding",
        arguments: [
            (#"{"snat":"yes"}"#, #"snat: expected true or false, found the string "yes""#),
            (#"{"masqAll":1}"#, "masqAll: expected true or false, found the number 1"),
            (#"{"markMasqBit":32}"#, "markMasqBit: expected a whole number from 0 to 31, found the number 32"),
            (#"{"markMasqBit":-1}"#, "markMasqBit: expected a whole number from 0 to 31, found the number -1"),
            (#"{"markMasqBit":"5"}"#, #"markMasqBit: expected a whole number from 0 to 31, found the string "5""#),
            (
                #"{"externalSetMarkChain":"A -j ACCEPT"}"#,
                #"externalSetMarkChain: expected the name of a chain (1 to 28 letters, digits, '_' or '-', and no verdict), found the string "A -j ACCEPT""#
            ),
            (
                #"{"externalSetMarkChain":"ACCEPT"}"#,
                #"externalSetMarkChain: expected the name of a chain (1 to 28 letters, digits, '_' or '-', and no verdict), found the string "ACCEPT""#
            ),
            (
                #"{"externalSetMarkChain":"-A"}"#,
                #"externalSetMarkChain: expected the name of a chain (1 to 28 letters, digits, '_' or '-', and no verdict), found the string "-A""#
            ),
            (
                #"{"externalSetMarkChain":7}"#,
                "externalSetMarkChain: expected the name of a chain (1 to 28 letters, digits, '_' or '-', and no verdict), found the number 7"
            ),
            (
                #"{"externalSetMarkChain":"MARK-IT","markMasqBit":13}"#,
                #"externalSetMarkChain: expected no chain beside markMasqBit, found the string "MARK-IT""#
            ),
            (#"{"backend":"pf"}"#, #"backend: expected "iptables" or "nftables", found the string "pf""#),
            (#"{"backend":"NFTables"}"#, #"backend: expected "iptables" or "nftables", found the string "NFTables""#),
            (#"{"backend":1}"#, #"backend: expected "iptables" or "nftables", found the number 1"#),
            (#"{"conditionsV4":"-s"}"#, #"conditionsV4: expected an array, found the string "-s""#),
            (#"{"conditionsV6":["-j","ACCEPT"]}"#, #"conditionsV6[0]: \#(condition), found the string "-j""#),
            (#"{"runtimeConfig":[]}"#, "runtimeConfig: expected an object, found an array"),
            (
                #"{"runtimeConfig":{"portMappings":{}}}"#,
                "runtimeConfig.portMappings: expected an array, found an object"
            ),
        ])
    func refusals(text: String, message: String) {
        #expect(failure { try Self.decode(text) } == message)
        #expect(code { try Self.decode(text) } == 7)
    }

    @Test(
        "a mapping that is wrong is refused by its place",
        arguments: [
            ("5", ": expected an object, found the number 5"),
            ("{}", ".hostPort: expected a port from 1 to 65535, found nothing"),
            (#"{"hostPort":0}"#, ".hostPort: expected a whole number from 1 to 65535, found the number 0"),
            (#"{"hostPort":65536}"#, ".hostPort: expected a whole number from 1 to 65535, found the number 65536"),
            (#"{"hostPort":-1}"#, ".hostPort: expected a whole number from 1 to 65535, found the number -1"),
            (#"{"hostPort":80.5}"#, ".hostPort: expected a whole number from 1 to 65535, found the number 80.5"),
            (
                #"{"hostPort":"http"}"#,
                #".hostPort: expected a whole number from 1 to 65535, found the string "http""#
            ),
            (#"{"hostPort":80}"#, ".containerPort: expected a port from 1 to 65535, found nothing"),
            (
                #"{"hostPort":80,"containerPort":0}"#,
                ".containerPort: expected a whole number from 1 to 65535, found the number 0"
            ),
            (
                #"{"hostPort":80,"containerPort":80,"protocol":"icmp"}"#,
                #".protocol: expected "tcp", "udp" or "sctp", found the string "icmp""#
            ),
            (
                #"{"hostPort":80,"containerPort":80,"protocol":6}"#,
                #".protocol: expected "tcp", "udp" or "sctp", found the number 6"#
            ),
            (
                #"{"hostPort":80,"containerPort":80,"hostIP":"192.0.2.1/24"}"#,
                #".hostIP: expected an IPv4 or IPv6 address of the host, found the string "192.0.2.1/24""#
            ),
            (
                #"{"hostPort":80,"containerPort":80,"hostIP":7}"#,
                ".hostIP: expected an IPv4 or IPv6 address of the host, found the number 7"
            ),
            (
                #"{"hostPort":80,"containerPort":80,"hostIP":"255.255.255.255"}"#,
                #".hostIP: expected an address of the host by which a container can be reached, found the string "255.255.255.255""#
            ),
            (
                #"{"hostPort":80,"containerPort":80,"hostIP":"::1"}"#,
                #".hostIP: expected an address of the host by which a container can be reached, found the string "::1""#
            ),
            (
                #"{"hostPort":80,"containerPort":80,"hostIP":"224.0.0.1"}"#,
                #".hostIP: expected an address of the host by which a container can be reached, found the string "224.0.0.1""#
            ),
            (
                #"{"hostPort":80,"containerPort":80,"range":-1}"#,
                ".range: expected a whole number from 0 to 65535, found the number -1"
            ),
            (
                #"{"hostPort":65535,"containerPort":65535,"range":2}"#,
                ".range: expected a number of ports that ends at 65535, found the number 2"
            ),
            (
                #"{"hostPort":80,"containerPort":81,"range":2}"#,
                ".containerPort: expected the same as hostPort, because a range keeps its ports, found the number 81"
            ),
            (
                #"{"hostPort":9000,"containerPort":81}"#,
                ".hostPort: expected a port that no other mapping of this container has; 9000/tcp is taken, found the number 9000"
            ),
            (
                #"{"hostPort":8999,"containerPort":8999,"range":2}"#,
                ".hostPort: expected a port that no other mapping of this container has; 9000/tcp is taken, found the number 8999"
            ),
            (
                #"{"hostPort":9000,"containerPort":90,"hostIP":"192.0.2.1"}"#,
                ".hostPort: expected a port that no other mapping of this container has; 9000/tcp is taken, found the number 9000"
            ),
        ])
    func wrongMappings(entry: String, message: String) {
        let text = PortmapScene.json(#"{"hostPort":9000,"containerPort":90},\#(entry)"#)
        #expect(failure { try Self.decode(text) } == "runtimeConfig.portMappings[1]" + message)
        #expect(code { try Self.decode(text) } == 7)
    }

    // MARK: The container's addresses

    private static let ipv4 = PortmapScene.ipv4
    private static let ipv6 = PortmapScene.ipv6

    @Test(
        "ports lead to the first address of each family that is in the sandbox",
        arguments: [
            ("\(ipv4),\(ipv6)", ["10.1.0.5/16", "fd00:1::5/64"]), ("\(ipv6),\(ipv4)", ["10.1.0.5/16", "fd00:1::5/64"]),
            (ipv6, ["fd00:1::5/64"]), (#"\#(ipv4),{"address":"10.2.0.5/16","interface":2}"#, ["10.1.0.5/16"]),
            // The first is the bridge's own, the second belongs to nobody in particular.
            (
                #"{"address":"10.1.0.1/16","interface":0},{"address":"10.3.0.5/16"},\#(ipv4)"#, ["10.3.0.5/16"]
            ),
            (#"{"address":"fd00:1::1/64","interface":1},\#(ipv4)"#, ["10.1.0.5/16"]),
        ])
    func containers(ips: String, expected: [String]) throws {
        let configuration = try Self.decode(PortmapScene.json())
        let found = try configuration.containers(in: try PortmapScene.result(#""ips":[\#(ips)]"#))
        #expect(found.map(\.description) == expected)
    }

    @Test(
        "without an address in the sandbox there is nothing to publish",
        arguments: ["", #"{"address":"10.1.0.1/16","interface":0}"#])
    func noContainer(ips: String) throws {
        let configuration = try Self.decode(PortmapScene.json())
        let result = try PortmapScene.result(#""ips":[\#(ips)]"#)
        #expect(
            failure { try configuration.containers(in: result) }
                == "prevResult.ips: expected an address of the container to publish ports of, found none")
        #expect(code { try configuration.containers(in: result) } == 7)
    }

    /// The number is that in the configuration, where a mapping may be given twice.
    @Test("an address of the host of a family that the container lacks is refused by its place")
    func missingFamily() throws {
        let web = PortmapScene.web
        let configuration = try Self.decode(
            PortmapScene.json(#"\#(web),\#(web),{"hostPort":443,"containerPort":443,"hostIP":"2001:db8::1"}"#))
        let result = try PortmapScene.result(#""ips":[\#(PortmapScene.ipv4)]"#)
        #expect(
            failure { try configuration.containers(in: result) }
                == "runtimeConfig.portMappings[2].hostIP: expected an address of a family that the container has, found 2001:db8::1"
        )
        #expect(code { try configuration.containers(in: result) } == 7)
        // It would be published nowhere at all.
        let every = try Self.decode(PortmapScene.json(#"{"hostPort":443,"containerPort":443,"hostIP":"::"}"#))
        #expect(failure { try every.containers(in: result) }?.hasSuffix("found ::") == true)
        // Every address of each family is what some runtimes always ask for.
        let both = try Self.decode(
            PortmapScene.json(
                #"{"hostPort":443,"containerPort":443,"hostIP":"0.0.0.0"},{"hostPort":443,"containerPort":443,"hostIP":"::"}"#
            ))
        #expect(try both.containers(in: result).count == 1)
    }
}
