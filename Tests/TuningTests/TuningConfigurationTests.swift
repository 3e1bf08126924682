import CNI
import InterfaceTestSupport
import JSON
import LinuxSystem
import Netlink
import NetworkAddress
import Testing

@testable import tuning

@Suite("TuningConfiguration")
struct TuningConfigurationTests {
    private func read(_ text: String, arguments: String = "") throws -> TuningConfiguration {
        try TuningConfiguration(
            FakeRuntime.configuration(text), CNIArguments(arguments), interfaceName: "eth0")
    }

    @Test("without keys nothing is wanted")
    func empty() throws {
        let configuration = try read("{}")
        #expect(configuration.link == LinkSettings())
        #expect(configuration.sysctls.isEmpty)
        #expect(configuration.dataDirectory == "/run/cni/tuning")
    }

    @Test("every key is read")
    func everything() throws {
        let configuration = try read(
            """
            {"mac":"02:00:00:00:00:0A","mtu":1400,"promisc":true,"allmulti":false,"txQLen":0,"dataDir":"/x",
             "sysctl":{"net.core.somaxconn":"500","net/ipv4/conf/IFNAME/log_martians":"1"}}
            """)
        #expect(configuration.link.mac?.description == "02:00:00:00:00:0a")
        #expect(configuration.link.mtu == 1400)
        #expect(configuration.link.promisc == true)
        #expect(configuration.link.allmulti == false)
        #expect(configuration.link.txQLen == 0)
        #expect(configuration.dataDirectory == "/x")
        #expect(
            configuration.sysctls.map(\.sysctl.description) == [
                "net/core/somaxconn", "net/ipv4/conf/eth0/log_martians",
            ])
        #expect(configuration.sysctls.map(\.value) == ["500", "1"])
    }

    @Test(
        "the hardware address: configuration, then CNI_ARGS, then runtimeConfig, then args",
        arguments: [
            (#"{"mac":"02:00:00:00:00:01"}"#, "", "02:00:00:00:00:01"),
            (#"{"mac":"02:00:00:00:00:01"}"#, "IgnoreUnknown=1;MAC=02:00:00:00:00:02", "02:00:00:00:00:02"),
            (
                #"{"mac":"02:00:00:00:00:01","runtimeConfig":{"mac":"02:00:00:00:00:03"}}"#, "MAC=02:00:00:00:00:02",
                "02:00:00:00:00:03"
            ),
            (
                #"{"mac":"02:00:00:00:00:01","runtimeConfig":{"mac":"02:00:00:00:00:03"},"args":{"cni":{"mac":"02:00:00:00:00:04"}}}"#,
                "MAC=02:00:00:00:00:02", "02:00:00:00:00:04"
            ),
            (#"{"runtimeConfig":{"Mac":"02:00:00:00:00:03"}}"#, "", "02:00:00:00:00:03"),
            (
                #"{"mac":"02:00:00:00:00:01","runtimeConfig":{"mac":""},"args":{"cni":{"mac":""}}}"#, "",
                "02:00:00:00:00:01"
            ),
        ])
    func macPrecedence(text: String, arguments: String, mac: String) throws {
        #expect(try read(text, arguments: arguments).link.mac?.description == mac)
    }

    @Test("args replace what the configuration says")
    func args() throws {
        let own = #""mtu":1400,"promisc":true,"allmulti":true,"txQLen":10"#
        let args = #""args":{"cni":{"mtu":1300,"promisc":false,"allmulti":false,"txQLen":20}}"#
        for text in ["{\(own),\(args)}", "{\(args)}"] {
            let link = try read(text).link
            #expect(link.mtu == 1300)
            #expect(link.promisc == false)
            #expect(link.allmulti == false)
            #expect(link.txQLen == 20)
        }
        #expect(try read("{\(own),\"args\":{\"cni\":{\"mtu\":0}}}").link.mtu == nil)
        // Only args and the runtime's address have a say.
        #expect(try read(#"{"mtu":1400,"runtimeConfig":{"mtu":1300,"promisc":true}}"#).link.mtu == 1400)
        #expect(try read(#"{"runtimeConfig":{"promisc":true}}"#).link.promisc == nil)
    }

    @Test("sysctls of runtimeConfig and args add to or replace those of the configuration")
    func sysctlPrecedence() throws {
        let configuration = try read(
            """
            {"sysctl":{"net.a.b":"1","net.c.d":"1","net.e.f":"1"},
             "runtimeConfig":{"sysctl":{"net/c/d":"2","net.e.f":"2","net.g.h":"2"}},
             "args":{"cni":{"sysctl":{"net.e.f":"3","net.i.j":"3"}}}}
            """)
        #expect(
            configuration.sysctls.map { "\($0.sysctl)=\($0.value)" } == [
                "net/a/b=1", "net/c/d=2", "net/e/f=3", "net/g/h=2", "net/i/j=3",
            ])
    }

    @Test(
        "sysctls that only args or runtimeConfig name are there",
        arguments: [
            #"{"args":{"cni":{"sysctl":{"net.a.b":"1"}}}}"#, #"{"runtimeConfig":{"sysctl":{"net.a.b":"1"}}}"#,
            #"{"sysctl":null,"args":{"cni":{"sysctl":{"net.a.b":"1"}}}}"#,
        ])
    func sysctlsOfArgsAlone(text: String) throws {
        #expect(try read(text).sysctls.map(\.sysctl.description) == ["net/a/b"])
    }

    @Test("IFNAME stands for the interface's name, and only as a whole component")
    func interfaceName() throws {
        func path(_ key: String, _ name: String) throws -> String {
            let request = try FakeRuntime.configuration(#"{"sysctl":{"\#(key)":"1"}}"#)
            return try TuningConfiguration(request, .none, interfaceName: name).sysctls[0].sysctl.description
        }
        #expect(try path("net.ipv4.conf.IFNAME.forwarding", "eth0.100") == "net/ipv4/conf/eth0.100/forwarding")
        #expect(try path("net/ipv4/conf/IFNAME/forwarding", "net1") == "net/ipv4/conf/net1/forwarding")
        #expect(try path("net.ipv4.conf.IFNAMEx.forwarding", "net1") == "net/ipv4/conf/IFNAMEx/forwarding")
        #expect(try path("net.ipv4.conf.IFNAME/1.forwarding", "net1") == "net/ipv4/conf/IFNAME.1/forwarding")
        // A name that would lead elsewhere were it not one component.
        #expect(try path("net.ipv4.conf.IFNAME.forwarding", "a.b.c") == "net/ipv4/conf/a.b.c/forwarding")
    }

    @Test(
        "what is wrong is named",
        arguments: [
            (#"{"mtu":67}"#, "mtu: expected 0 or an MTU from 68 to 65535, found the number 67"),
            (#"{"mtu":65536}"#, "mtu: expected a whole number from 0 to 65535"),
            (#"{"args":{"cni":{"mtu":"x"}}}"#, "args.cni.mtu: expected a whole number"),
            (#"{"mac":"02:00"}"#, "mac: expected a hardware address such as 02:00:5e:10:00:01"),
            (#"{"mac":"01:00:00:00:00:01"}"#, "mac: expected a hardware address"),
            (#"{"runtimeConfig":{"mac":"00:00:00:00:00:00"}}"#, "runtimeConfig.mac: expected a hardware address"),
            (#"{"args":{"cni":{"mac":7}}}"#, "args.cni.mac: expected a hardware address"),
            (#"{"promisc":"yes"}"#, "promisc: expected true or false"),
            (#"{"allmulti":1}"#, "allmulti: expected true or false"),
            (#"{"txQLen":-1}"#, "txQLen: expected a whole number from 0 to 4294967295"),
            (#"{"txQLen":4294967296}"#, "txQLen: expected a whole number"),
            (#"{"dataDir":"run/cni"}"#, "dataDir: expected an absolute path"),
            (#"{"sysctl":[]}"#, "sysctl: expected an object, found an array"),
            (#"{"sysctl":{"net.a.b":1}}"#, #"sysctl: expected a string for "net.a.b", found the number 1"#),
            (#"{"sysctl":{"net.a.b":null}}"#, #"sysctl: expected a string for "net.a.b", found null"#),
            (#"{"sysctl":{"net.a.b":"1\n2"}}"#, "sysctl: expected a value of one line"),
            (
                #"{"args":{"cni":{"sysctl":{"kernel.core_pattern":"x"}}}}"#,
                #"args.cni.sysctl: expected names of kernel parameters below net, such as net.ipv4.conf.IFNAME.arp_filter, found "kernel.core_pattern""#
            ),
            (
                #"{"runtimeConfig":{"sysctl":{"net/../kernel/core_pattern":"x"}}}"#,
                #"runtimeConfig.sysctl: expected names of kernel parameters below net"#
            ),
            (
                #"{"sysctl":{"net.a.b":"1","net/a/b":"1"}}"#,
                #"sysctl: expected one value for each parameter, found "net.a.b" and "net/a/b", which are the same"#
            ),
            (
                #"{"sysctl":{"net.a.IFNAME.b":"1","net.a.eth0.b":"2"}}"#,
                #"found "net.a.IFNAME.b" and "net.a.eth0.b", which are the same"#
            ),
            (
                #"{"sysctl":{"net.netfilter.nf_hooks_lwtunnel":"1"}}"#,
                #"found "net.netfilter.nf_hooks_lwtunnel", which is one of the whole machine's"#
            ),
        ])
    func errors(text: String, message: String) throws {
        let found = try #require(failure { try read(text) })
        #expect(found.contains(message), "\(found)")
        #expect(code { try read(text) } == 7)
    }

    @Test("a MAC in CNI_ARGS that is none is an error of the environment")
    func badArgument() {
        #expect(code { try read("{}", arguments: "MAC=nonsense") } == 4)
    }

    @Test("a value may be as long as a page, and not longer")
    func longValue() throws {
        func value(_ count: Int) throws -> TuningConfiguration {
            try read(#"{"sysctl":{"net.a.b":"\#(String(repeating: "1", count: count))"}}"#)
        }
        #expect(try value(4096).sysctls.count == 1)
        #expect(code { try value(4097) } == 7)
    }
}
