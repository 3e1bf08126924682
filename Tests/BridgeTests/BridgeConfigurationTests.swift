import CNI
import InterfaceTestSupport
import JSON
import Netlink
import NetworkAddress
import Testing

@testable import bridge

@Suite("BridgeConfiguration")
struct BridgeConfigurationTests {
    private func decode(_ text: String, version: String = "1.1.0", arguments: String = "") throws -> BridgeConfiguration
    {
        try BridgeConfiguration(FakeRuntime.configuration(text, version: version), CNIArguments(arguments))
    }

    @Test("an empty configuration has the documented defaults")
    func defaults() throws {
        let configuration = try decode("{}")
        #expect(configuration.bridge == "cni0")
        #expect(!configuration.isGateway && !configuration.isDefaultGateway && !configuration.forceAddress)
        #expect(configuration.mtu == nil)
        #expect(!configuration.hairpinMode && !configuration.promiscMode && !configuration.portIsolation)
        #expect(!configuration.enabledad && !configuration.disableContainerInterface && !configuration.disableIPv6)
        #expect(configuration.vlans.isEmpty && configuration.vlans.keepsDefault)
        #expect(configuration.mac == nil && configuration.ipamType == nil && configuration.dns.isEmpty)
        #expect(configuration.gatewayLink == nil)
        #expect(configuration.portChange == BridgePortChange())
    }

    @Test("every key is read")
    func everyKey() throws {
        let configuration = try decode(
            """
            {"bridge":"br-lan","isGateway":true,"isDefaultGateway":true,"forceAddress":true,"mtu":1400,
             "promiscMode":true,"vlan":100,"preserveDefaultVlan":false,"portIsolation":true,"enabledad":true,
             "disableIPv6":true,"ipam":{"type":"fake-ipam"},"dns":{"nameservers":["10.0.0.53"]},
             "runtimeConfig":{"mac":"02:00:00:00:00:09"}}
            """)
        #expect(configuration.bridge == "br-lan")
        #expect(configuration.isGateway && configuration.isDefaultGateway && configuration.forceAddress)
        #expect(configuration.mtu == 1400)
        #expect(configuration.promiscMode && configuration.portIsolation && configuration.enabledad)
        #expect(configuration.disableIPv6)
        #expect(configuration.vlans.access == 100 && !configuration.vlans.keepsDefault)
        #expect(configuration.gatewayLink == "br-lan.100")
        #expect(configuration.mac == MACAddress("02:00:00:00:00:09"))
        #expect(configuration.ipamType == "fake-ipam")
        #expect(configuration.dns.nameservers == ["10.0.0.53"])
        #expect(configuration.portChange == BridgePortChange(isIsolated: true))
    }

    @Test("isDefaultGateway means isGateway, keys may be spelled in any case, an empty text counts as absent")
    func readings() throws {
        #expect(try decode(#"{"isDefaultGateway":true}"#).isGateway)
        #expect(try decode(#"{"HAIRPINMODE":true}"#).portChange == BridgePortChange(isHairpin: true))
        #expect(try decode(#"{"bridge":""}"#).bridge == "cni0")
        #expect(try decode(#"{"mtu":0}"#).mtu == nil)
        #expect(try decode(#"{"vlan":0}"#).vlans.isEmpty)
        #expect(try decode(#"{"ipam":{"type":""},"disableContainerInterface":true}"#).disableContainerInterface)
        #expect(try decode(#"{"ipMasq":false,"macspoofchk":false,"ipMasqBackend":""}"#).ipamType == nil)
    }

    @Test(
        "what is wrong is refused with code 7 and a text that names key, expectation and finding",
        arguments: [
            (
                #"{"bridge":7}"#,
                #"bridge: expected the name of a bridge (1 to 15 characters other than '/', ':' and white space), found the number 7"#
            ),
            (
                #"{"bridge":"a/b"}"#,
                #"bridge: expected the name of a bridge (1 to 15 characters other than '/', ':' and white space), found the string "a/b""#
            ),
            (
                #"{"bridge":"sixteen-bytes-xx"}"#,
                #"bridge: expected the name of a bridge (1 to 15 characters other than '/', ':' and white space), found the string "sixteen-bytes-xx""#
            ),
            (#"{"isGateway":"yes"}"#, #"isGateway: expected true or false, found the string "yes""#),
            (#"{"isDefaultGateway":1}"#, "isDefaultGateway: expected true or false, found the number 1"),
            (#"{"forceAddress":[]}"#, "forceAddress: expected true or false, found an array"),
            (#"{"mtu":-1}"#, "mtu: expected a whole number from 0 to 65535, found the number -1"),
            (#"{"mtu":70000}"#, "mtu: expected a whole number from 0 to 65535, found the number 70000"),
            (#"{"mtu":1400.5}"#, "mtu: expected a whole number from 0 to 65535, found the number 1400.5"),
            (#"{"mtu":67}"#, "mtu: expected 0 or an MTU from 68 to 65535, found the number 67"),
            (#"{"hairpinMode":"on"}"#, #"hairpinMode: expected true or false, found the string "on""#),
            (#"{"promiscMode":{}}"#, "promiscMode: expected true or false, found an object"),
            (
                #"{"hairpinMode":true,"promiscMode":true}"#,
                "hairpinMode and promiscMode: expected at most one of them, found both"
            ),
            (#"{"vlan":4095}"#, "vlan: expected a whole number from 0 to 4094, found the number 4095"),
            (#"{"vlan":-1}"#, "vlan: expected a whole number from 0 to 4094, found the number -1"),
            (
                #"{"vlan":5,"vlanTrunk":[{"id":6}]}"#,
                "vlanTrunk: expected no trunk beside an access VLAN, found an array"
            ),
            (#"{"vlanTrunk":{}}"#, "vlanTrunk: expected an array, found an object"),
            (#"{"vlanTrunk":[{}]}"#, "vlanTrunk[0]: expected id, or minID and maxID, found an object"),
            (
                #"{"vlanTrunk":[{"id":0}]}"#,
                "vlanTrunk[0].id: expected a whole number from 1 to 4094, found the number 0"
            ),
            (
                #"{"vlanTrunk":[{"id":3},{"minID":5}]}"#,
                "vlanTrunk[1].maxID: expected a VLAN beside minID, found nothing"
            ),
            (#"{"vlanTrunk":[{"maxID":5}]}"#, "vlanTrunk[0].minID: expected a VLAN beside maxID, found nothing"),
            (
                #"{"vlanTrunk":[{"minID":9,"maxID":5}]}"#,
                "vlanTrunk[0].minID: expected at most maxID, which is 5, found the number 9"
            ),
            (#"{"vlanTrunk":[5]}"#, "vlanTrunk[0]: expected an object, found the number 5"),
            (#"{"preserveDefaultVlan":0}"#, "preserveDefaultVlan: expected true or false, found the number 0"),
            (#"{"portIsolation":"x"}"#, #"portIsolation: expected true or false, found the string "x""#),
            (#"{"enabledad":3}"#, "enabledad: expected true or false, found the number 3"),
            (
                #"{"disableContainerInterface":"x"}"#,
                #"disableContainerInterface: expected true or false, found the string "x""#
            ),
            (
                #"{"disableContainerInterface":true,"ipam":{"type":"fake-ipam"}}"#,
                #"disableContainerInterface: expected no ipam with it, found ipam.type "fake-ipam""#
            ),
            (#"{"disableIPv6":2}"#, "disableIPv6: expected true or false, found the number 2"),
            (
                #"{"runtimeConfig":{"mac":"nonsense"}}"#,
                #"runtimeConfig.mac: expected a hardware address such as 02:00:5e:10:00:01, found the string "nonsense""#
            ),
            (
                #"{"args":{"cni":{"mac":"01:00:00:00:00:01"}}}"#,
                #"args.cni.mac: expected a hardware address such as 02:00:5e:10:00:01, found the string "01:00:00:00:00:01""#
            ),
            (
                #"{"bridge":"br-of-12-abc","vlan":4000,"isGateway":true}"#,
                #"bridge and vlan: expected at most 15 characters in "<bridge>.<vlan>", found "br-of-12-abc.4000""#
            ),
            (#"{"ipMasq":"x"}"#, #"ipMasq: expected true or false, found the string "x""#),
            (
                #"{"ipMasqBackend":"ipfw"}"#,
                #"ipMasqBackend: expected "iptables" or "nftables", found the string "ipfw""#
            ),
            (#"{"macspoofchk":1}"#, "macspoofchk: expected true or false, found the number 1"),
        ])
    func refusals(text: String, message: String) {
        #expect(failure { try decode(text) } == message)
        #expect(code { try decode(text) } == 7)
    }

    @Test("a version without interfaces needs an IPAM plugin")
    func oldVersions() throws {
        #expect(
            failure { try decode("{}", version: "0.2.0") }
                == "ipam.type: expected an IPAM plugin, because version 0.2.0 cannot tell of an interface without address"
        )
        #expect(try decode(BridgeScene.withIPAM, version: "0.2.0").ipamType == "fake-ipam")
    }

    @Test("a bad MAC of CNI_ARGS is code 4")
    func badArgument() {
        #expect(code { try decode("{}", arguments: "MAC=xyz") } == 4)
        #expect(
            failure { try decode("{}", arguments: "MAC=xyz") }
                == #"CNI_ARGS: MAC: expected a hardware address such as 02:00:5e:10:00:01, found "xyz""#)
    }

    @Test(
        "runtimeConfig.mac counts more than args.cni.mac, and that more than MAC of CNI_ARGS",
        arguments: [
            (
                #"{"runtimeConfig":{"mac":"02:00:00:00:00:01"},"args":{"cni":{"mac":"02:00:00:00:00:02"}}}"#,
                "MAC=02:00:00:00:00:03", "02:00:00:00:00:01"
            ),
            (#"{"args":{"cni":{"mac":"02:00:00:00:00:02"}}}"#, "MAC=02:00:00:00:00:03", "02:00:00:00:00:02"),
            ("{}", "IgnoreUnknown=1;MAC=02:00:00:00:00:03", "02:00:00:00:00:03"),
            (#"{"runtimeConfig":{"mac":""}}"#, "MAC=02-00-00-00-00-0A", "02:00:00:00:00:0a"),
        ])
    func hardwareAddress(text: String, arguments: String, expected: String) throws {
        #expect(try decode(text, arguments: arguments).mac?.description == expected)
    }
}
