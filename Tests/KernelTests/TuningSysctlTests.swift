import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// Sysctls that must not be set, on a real kernel: nothing is changed by them, least of all on the host.
@Suite(.needsLab)
struct TuningSysctlTests {
    private static func key(_ key: String, _ value: String = "1") -> String {
        #""mtu": 1400, "sysctl": {"net.core.somaxconn": "500", "\#(key)": "\#(value)"}"#
    }

    /// What must stay: of the machine, of the lab's host, and of the container.
    private func state(_ lab: Lab) throws -> [String] {
        let paths = ["kernel/core_pattern", "net/core/rmem_max", "net/core/bpf_jit_enable", "net/ipv4/ip_forward"]
        let machine = paths.map { (try? String(contentsOfFile: "/proc/sys/\($0)", encoding: .utf8)) ?? "" }
        return machine + [try lab.container.sysctl("core/somaxconn") ?? ""] + (try lab.snapshot(files: true).facts)
    }

    @Test(arguments: [
        ("kernel.core_pattern", "|/x"), ("kernel/core_pattern", "|/x"), ("net/../kernel/core_pattern", "|/x"),
        ("net.//.kernel.core_pattern", "|/x"), ("net/ipv4/../../kernel/core_pattern", "|/x"),
        ("/proc/sys/net/core/somaxconn", "1"), ("/net/core/somaxconn", "1"), ("net.core..somaxconn", "1"),
        ("xnet.core.somaxconn", "1"), ("net", "1"), ("net.core.somaxconn\\n", "1"), ("net.core.none", "1"),
        ("net.ipv4.conf.all.log_martiansx", "1"), ("net.ipv4.conf.eth0.100.log_martians", "1"), ("net.core", "1"),
        ("net.ipv4.ip_default_ttl", "x"), ("net.ipv4.ip_default_ttl", "1\\n2"), ("net.core.somaxconn\\u0000", "1"),
        ("net/core/somaxconn", "1"), ("net.netfilter.nf_hooks_lwtunnel", "1"), ("net.ipv4.conf.all.mc_forwarding", "1"),
    ])
    func refusedBeforeOrTakenBack(key: String, value: String) throws {
        let lab = try Lab()
        let network = try TuningNetwork(lab, Self.key(key, value))
        let before = try state(lab)
        let answer = try network.call("ADD")
        #expect(answer.error != nil, "\(answer)")
        // An error names the key; one of the text of the document names its place there.
        let words = key.split(whereSeparator: { "./\\".contains($0) }).map(String.init)
        #expect(words.contains { answer.error?.description.contains($0) == true }, "\(answer)")
        #expect(answer.outcome.errorText.isEmpty, "\(answer)")
        #expect(try state(lab) == before)
    }

    /// What the machine shares, a container does not have, or may only read.
    @Test(arguments: ["net.core.rmem_max", "net.core.bpf_jit_enable", "net.netfilter.nf_conntrack_max"])
    func whatTheMachineSharesStays(key: String) throws {
        let lab = try Lab()
        let path = "/proc/sys/" + key.replacingOccurrences(of: ".", with: "/")
        let before = try? String(contentsOfFile: path, encoding: .utf8)
        let value = before?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "1"
        // The value that it has, for the case that this kernel does let a container write it.
        let somaxconn = try lab.container.sysctl("core/somaxconn")
        let answer = try TuningNetwork(lab, Self.key(key, value)).call("ADD")
        #expect(try lab.container.sysctl("core/somaxconn") == (answer.isSuccess ? "500" : somaxconn))
        #expect((try? String(contentsOfFile: path, encoding: .utf8)) == before)
    }

    @Test func anInterfaceWithADotInItsName() throws {
        let lab = try Lab()
        var network = try TuningNetwork(lab)
        try lab.container.shell("ip link add eth0.7 type veth peer name x")
        for (key, value) in [("net.ipv4.conf.eth0/7.arp_filter", "1"), ("net/ipv4/conf/eth0.7/arp_filter", "0")] {
            network.keys = #""sysctl": {"\#(key)": "\#(value)"}"#
            let answer = try network.call("ADD")
            #expect(answer.isSuccess, "\(answer)")
            #expect(try lab.container.sysctl("ipv4/conf/eth0.7/arp_filter") == value)
        }
        network.keys = #""sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1"}"#
        let answer = try network.call("ADD", variables: ["CNI_IFNAME": "eth0.7"])
        #expect(answer.isSuccess, "\(answer)")
        #expect(try lab.container.sysctl("ipv4/conf/eth0.7/arp_filter") == "1")
        #expect(try lab.container.sysctl("ipv4/conf/eth0/arp_filter") == "0")
    }

    @Test(.needs(.ipv6)) func aSecretThatIsNotSetYet() throws {
        let lab = try Lab()
        let secret = "fd00:0000:0000:0000:0000:0000:0000:0001"
        let network = try TuningNetwork(lab, #""sysctl": {"net.ipv6.conf.IFNAME.stable_secret": "\#(secret)"}"#)
        for command in ["ADD", "CHECK"] {
            let answer = try network.call(command)
            #expect(answer.isSuccess, "\(command): \(answer)")
        }
        #expect(try lab.container.sysctl("ipv6/conf/eth0/stable_secret") == secret)
    }

    @Test func aListIsEmptiedAndATriggerPulled() throws {
        let lab = try Lab()
        var network = try TuningNetwork(lab, #""sysctl": {"net.ipv4.ip_local_reserved_ports": "8080,9000"}"#)
        #expect(try network.call("ADD").isSuccess)
        #expect(try lab.container.sysctl("ipv4/ip_local_reserved_ports") == "8080,9000")
        network.keys = #""sysctl": {"net.ipv4.ip_local_reserved_ports": "", "net.ipv4.route.flush": "1"}"#
        for command in ["ADD", "CHECK"] {
            let answer = try network.call(command)
            #expect(answer.isSuccess, "\(command): \(answer)")
        }
        #expect(try lab.container.sysctl("ipv4/ip_local_reserved_ports") == "")
    }

    @Test func theAllowListIsHeeded() throws {
        let lab = try Lab()
        var network = try TuningNetwork(lab)
        let plugin = try network.plugin(
            allowing: #"""
                # what containers may have
                ^net\.ipv4\.conf\.IFNAME\.[a-z_]*$

                ^net.core.somaxconn$
                """#)
        network.keys = #""sysctl": {"net.ipv4.conf.IFNAME.log_martians": "1", "net/core/somaxconn": "500"}"#
        let allowed = try network.call("ADD", plugin: plugin)
        #expect(allowed.isSuccess, "\(allowed)")
        #expect(try lab.container.sysctl("ipv4/conf/eth0/log_martians") == "1")
        #expect(try lab.container.sysctl("core/somaxconn") == "500")
        #expect(try network.call("STATUS", plugin: plugin).isSuccess)

        for key in ["net.ipv4.conf.all.log_martians", "net.ipv4.ip_forward", "net.ipv4.conf.eth1.log_martians"] {
            network.keys = #""sysctl": {"net.core.somaxconn": "77", "\#(key)": "1"}"#
            let before = try state(lab)
            let error = try #require(try network.call("ADD", plugin: plugin).error)
            #expect(error.code == .invalidConfiguration)
            #expect(
                error.message
                    == #"sysctl: expected parameters that /etc/cni/tuning/allowlist.conf allows, found "\#(key)""#)
            #expect(try state(lab) == before)
        }
    }

    @Test func aListThatIsNotUnderstood() throws {
        let lab = try Lab()
        let network = try TuningNetwork(lab, #""sysctl": {"net.core.somaxconn": "77"}"#)
        let plugin = try network.plugin(allowing: "net.core.(somaxconn|x)\n")
        for (command, code) in [("ADD", CNIError.Code.decoding), ("STATUS", .notAvailable)] {
            let error = try #require(try network.call(command, plugin: plugin).error)
            #expect(error.code == code)
            #expect(error.message.hasPrefix("/etc/cni/tuning/allowlist.conf, line 1: expected"), "\(error)")
        }
        #expect(try lab.container.sysctl("core/somaxconn") != "77")
    }

    @Test func withoutKeysNothingOfTheContainerIsTouched() throws {
        let lab = try Lab()
        let network = try TuningNetwork(lab)
        let before = try state(lab)
        let answer = try network.call("ADD")
        #expect(answer.json == (try JSONValue(parsing: Array(network.attached[0].utf8))))
        for command in ["CHECK", "DEL", "STATUS"] {
            #expect(try network.call(command).isSuccess)
        }
        #expect(try state(lab) == before)
    }
}
