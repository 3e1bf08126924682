import CNI
import InterfaceTestSupport
import Netlink
import NetworkAddress
import Testing

@testable import macvlan

/// What errors say is expected.
private enum Expected {
    static let modes = "one of private, vepa, bridge, passthru"
    static let name = "the name of a link (1 to 15 characters other than '/', ':' and white space)"
    static let mac = "a hardware address such as 02:00:5e:10:00:01"
}

@Suite("MacvlanConfiguration")
struct MacvlanConfigurationTests {
    private func decode(
        _ text: String, version: String = "1.1.0", arguments: String = ""
    ) throws -> MacvlanConfiguration {
        try MacvlanConfiguration(FakeRuntime.configuration(text, version: version), CNIArguments(arguments))
    }

    @Test("an empty configuration has the documented defaults")
    func defaults() throws {
        let configuration = try decode("{}")
        #expect(configuration.master == nil && configuration.mtu == nil && configuration.bcqueuelen == nil)
        #expect(configuration.mode == .bridge)
        #expect(!configuration.linkInContainer && !configuration.disableIPv6 && !configuration.hostShim)
        #expect(configuration.enabledad)
        #expect(configuration.mac == nil && configuration.ipamType == nil && configuration.dns.isEmpty)
        #expect(configuration.settings == MacvlanSettings(mode: .bridge))
    }

    @Test("every key is read")
    func everyKey() throws {
        let configuration = try decode(
            """
            {"master":"ens3","mode":"vepa","mtu":1400,"linkInContainer":true,"bcqueuelen":4294967295,
             "enabledad":false,"disableIPv6":true,"ipam":{"type":"fake-ipam"},"dns":{"nameservers":["10.0.0.53"]},
             "runtimeConfig":{"mac":"02:00:00:00:00:09"}}
            """)
        #expect(configuration.master == "ens3" && configuration.mode == .vepa && configuration.mtu == 1400)
        #expect(configuration.linkInContainer && !configuration.enabledad && configuration.disableIPv6)
        #expect(configuration.bcqueuelen == 4_294_967_295)
        #expect(configuration.settings == MacvlanSettings(mode: .vepa, broadcastQueueLength: 4_294_967_295))
        #expect(configuration.mac == MACAddress("02:00:00:00:00:09"))
        #expect(configuration.ipamType == "fake-ipam" && configuration.dns.nameservers == ["10.0.0.53"])
        #expect(try decode(#"{"hostShim":true,"ipam":{"type":"fake-ipam"}}"#).hostShim)
    }

    @Test(
        "every mode is known by the kernel's word for it",
        arguments: [
            ("private", MacvlanSettings.Mode.private), ("vepa", .vepa), ("bridge", .bridge), ("passthru", .passthru),
        ])
    func modes(word: String, mode: MacvlanSettings.Mode) throws {
        #expect(try decode(#"{"mode":"\#(word)"}"#).mode == mode)
    }

    @Test("keys may be spelled in any case; an empty text, and a number 0, count as absent")
    func readings() throws {
        #expect(try decode(#"{"LinkInContainer":true}"#).linkInContainer)
        #expect(try decode(#"{"master":"","mode":""}"#) == decode("{}"))
        #expect(try decode(#"{"mtu":0,"bcqueuelen":0}"#) == decode("{}"))
        #expect(try decode(#"{"mtu":68,"bcqueuelen":1}"#).settings.broadcastQueueLength == 1)
        #expect(try decode(#"{"hostShim":false,"mode":"passthru","linkInContainer":true}"#).mode == .passthru)
    }

    @Test(
        "what is wrong is refused with code 7 and a text that names key, expectation and finding",
        arguments: [
            (#"{"master":7}"#, "master: expected \(Expected.name), found the number 7"),
            (#"{"master":"a/b"}"#, #"master: expected \#(Expected.name), found the string "a/b""#),
            (
                #"{"master":"sixteen-bytes-xx"}"#,
                #"master: expected \#(Expected.name), found the string "sixteen-bytes-xx""#
            ),
            (#"{"mode":"hairpin"}"#, #"mode: expected \#(Expected.modes), found the string "hairpin""#),
            (#"{"mode":"source"}"#, #"mode: expected \#(Expected.modes), found the string "source""#),
            (#"{"mode":"Bridge"}"#, #"mode: expected \#(Expected.modes), found the string "Bridge""#),
            (#"{"mode":4}"#, "mode: expected \(Expected.modes), found the number 4"),
            (#"{"mtu":-1}"#, "mtu: expected a whole number from 0 to 65535, found the number -1"),
            (#"{"mtu":65536}"#, "mtu: expected a whole number from 0 to 65535, found the number 65536"),
            (#"{"mtu":"1500"}"#, #"mtu: expected a whole number from 0 to 65535, found the string "1500""#),
            (#"{"mtu":67}"#, "mtu: expected 0 or an MTU from 68 to 65535, found the number 67"),
            (#"{"linkInContainer":"yes"}"#, #"linkInContainer: expected true or false, found the string "yes""#),
            (
                #"{"bcqueuelen":-1}"#,
                "bcqueuelen: expected a whole number from 0 to 4294967295, found the number -1"
            ),
            (
                #"{"bcqueuelen":4294967296}"#,
                "bcqueuelen: expected a whole number from 0 to 4294967295, found the number 4294967296"
            ),
            (#"{"bcqueuelen":[]}"#, "bcqueuelen: expected a whole number from 0 to 4294967295, found an array"),
            (#"{"enabledad":1}"#, "enabledad: expected true or false, found the number 1"),
            (#"{"disableIPv6":{}}"#, "disableIPv6: expected true or false, found an object"),
            (#"{"hostShim":"on"}"#, #"hostShim: expected true or false, found the string "on""#),
            (
                #"{"hostShim":true,"mode":"vepa","ipam":{"type":"fake-ipam"}}"#,
                "hostShim: expected mode bridge with it, found vepa"
            ),
            (
                #"{"hostShim":true,"mode":"passthru","ipam":{"type":"fake-ipam"}}"#,
                "hostShim: expected mode bridge with it, found passthru"
            ),
            (
                #"{"hostShim":true,"linkInContainer":true,"ipam":{"type":"fake-ipam"}}"#,
                "hostShim and linkInContainer: expected at most one of them, found both"
            ),
            (
                #"{"hostShim":true}"#,
                "hostShim: expected an IPAM plugin, which also gives the host an address, found none"
            ),
            (
                #"{"runtimeConfig":{"mac":"nonsense"}}"#,
                #"runtimeConfig.mac: expected \#(Expected.mac), found the string "nonsense""#
            ),
            (
                #"{"args":{"cni":{"mac":"01:00:00:00:00:01"}}}"#,
                #"args.cni.mac: expected \#(Expected.mac), found the string "01:00:00:00:00:01""#
            ),
            (
                #"{"ipam":{"type":"../x"}}"#,
                #"ipam.type: expected the name of a plugin, without a path, found the string "../x""#
            ),
        ])
    func refusals(text: String, message: String) {
        #expect(failure { try decode(text) } == message)
        #expect(code { try decode(text) } == 7)
    }

    @Test("a version without interfaces needs an IPAM plugin", arguments: ["0.1.0", "0.2.0"])
    func oldVersions(version: String) throws {
        #expect(
            failure { try decode("{}", version: version) }
                == "ipam.type: expected an IPAM plugin, because version \(version) cannot tell of an interface without address"
        )
        #expect(try decode(MacvlanScene.json(), version: version).ipamType == "fake-ipam")
        #expect(try decode("{}", version: "0.3.0").ipamType == nil)
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
        ])
    func hardwareAddress(text: String, arguments: String, expected: String) throws {
        #expect(try decode(text, arguments: arguments).mac?.description == expected)
    }
}
