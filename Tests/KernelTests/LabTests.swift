import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// The harness itself, with `ip` in place of a plugin.
@Suite(.needsLab, .needs(.veth)) struct LabTests {
    @Test func `makes namespaces and removes them`() throws {
        var paths: [String] = []
        do {
            let lab = try Lab(containers: 2)
            paths = ([lab.host] + lab.containers).map(\.path) + [lab.folder]
            #expect(Set(paths).count == 4)
            for path in paths { #expect(FileManager.default.fileExists(atPath: path)) }
        }
        for path in paths { #expect(!FileManager.default.fileExists(atPath: path)) }
    }

    @Test func `reads links, addresses, routes, neighbours and sysctls back`() throws {
        let lab = try Lab()
        try connect(lab)
        let link = try #require(try lab.host.link("v0"))
        #expect(link.isUp)
        #expect(link.kind == "veth")
        #expect(link.mtu == 1400)
        #expect(try lab.container.link("v0") == nil)
        #expect(try lab.host.addresses(of: "v0") == ["10.9.0.1/24", "fd09::1/64"])
        #expect(try lab.host.routes().contains { $0.dst == "10.9.0.0/24" && $0.dev == "v0" && $0.scope == "link" })
        #expect(try lab.host.routes(table: "all").contains { $0.type == "local" && $0.dst == "fd09::1" })
        try lab.host.ip("neigh", "add", "10.9.0.7", "lladdr", "02:00:00:00:00:07", "dev", "v0")
        #expect(try lab.host.neighbours().contains { $0.dst == "10.9.0.7" && $0.lladdr == "02:00:00:00:00:07" })
        #expect(try lab.host.sysctl("ipv4/conf/v0/forwarding") == "0")
        #expect(try lab.host.sysctl("ipv4/conf/none/forwarding") == nil)
        #expect(try lab.host.json("ip", "-j", "link") != [])
    }

    @Test func `tells an answered ping from an unanswered one`() throws {
        let lab = try Lab()
        try connect(lab)
        for address in ["10.9.0.1", "fd09::1"] {
            let ping = try lab.container.ping(address)
            #expect(ping.isAnswered, "\(ping.report)")
            #expect(try #require(ping.milliseconds) < 1000)
        }
        #expect(try !lab.container.ping("10.9.0.99").isAnswered)
    }

    @Test func `reads ports of a bridge`() throws {
        let lab = try Lab()
        try connect(lab)
        try lab.host.shell(
            "ip link add br0 type bridge && ip link set v0 master br0 && bridge link set dev v0 hairpin on")
        #expect(try lab.host.link("v0")?.master == "br0")
        #expect(try lab.host.link("v0")?.linkinfo?.info_slave_data?.hairpin == true)
        #expect(try lab.host.bridgePorts().map(\.hairpin) == [true])
    }

    @Test func `snapshots of an unchanged lab are equal`() throws {
        let lab = try Lab()
        try connect(lab)
        let before = try lab.snapshot()
        let changes = before.changes(to: try lab.snapshot())
        #expect(changes == "", "\(changes)")
    }

    @Test(arguments: [
        ("ip link set v0 mtu 1300", "+ host link v0 mtu = 1300"),
        ("ip addr add 10.9.8.7/24 dev v0", "local = 10.9.8.7"),
        ("ip route add 10.99.0.0/16 via 10.9.0.2", "dst = 10.99.0.0/16"),
        ("ip rule add from 10.9.0.9 lookup 99", "+ host rule"),
        ("echo 1 >/proc/sys/net/ipv4/conf/v0/forwarding", "+ host sysctl ipv4/conf/v0/forwarding:1"),
        ("ip link add v9 type veth peer name v8", "+ host link v9 "),
        ("ip link del v0", "- container 0 link v1"),
        ("nft add table inet t0", "+ host nft table inet t0"),
        (
            "nft 'add table ip t0; add map ip t0 m { type inet_service : verdict; elements = { 7 : drop, 8 : drop }; }'",
            "+ host nft table ip t0 map m: 8 : drop"
        ),
        (
            "iptables-nft -A INPUT -j DROP -m comment --comment c",
            "+ host iptables-nft filter -A INPUT -m comment --comment c -j DROP"
        ),
        ("ip6tables-legacy -t nat -N CNI-X", "+ host ip6tables-legacy nat :CNI-X -"),
    ])
    func `a snapshot shows what changed`(change: String, line: String) throws {
        let lab = try Lab()
        try connect(lab)
        let before = try lab.snapshot()
        try lab.host.shell(change)
        let changes = before.changes(to: try lab.snapshot())
        #expect(changes.contains(line), "\(changes)")
    }

    @Test func `what iptables leaves behind by itself is no change`() throws {
        let lab = try Lab()
        let before = try lab.snapshot()
        try lab.host.shell("iptables-legacy -t nat -L; iptables-nft -A INPUT -j DROP; iptables-nft -D INPUT -j DROP")
        #expect(try lab.host.filterTables() == ["ip filter", "iptables-legacy nat"])
        let changes = before.changes(to: try lab.snapshot())
        #expect(changes == "", "\(changes)")
    }

    @Test func `a snapshot shows files`() throws {
        let lab = try Lab()
        let before = try lab.snapshot()
        try lab.write("a\n", to: "data/net/10.0.0.1")
        #expect(
            before.changes(to: try lab.snapshot())
                == "+ folder data\n+ folder data/net\n+ file data/net/10.0.0.1, 2 bytes: \"a\\n\"")
    }

    @Test func `calls a plugin in the host with the variables of a runtime`() throws {
        let lab = try Lab()
        let script = """
            #!/bin/sh
            env | grep ^CNI_ >&2
            cat >&2
            ip -o link | wc -l >&2
            readlink /proc/self/ns/net >&2
            echo '{"cniVersion": "1.1.0", "code": 100, "msg": "no"}'
            exit 1
            """
        let plugin = try lab.write(script, to: "plugin", executable: true)
        let answer = try lab.call(plugin, "ADD", "{}\n", arguments: "A=1", variables: ["CNI_PATH": ""])
        #expect(answer.outcome.ending == .exited(status: 1))
        #expect(answer.error?.message == "no")
        let said = answer.outcome.errorText
        for variable in ["CNI_COMMAND=ADD", "CNI_NETNS=\(lab.container.path)", "CNI_IFNAME=eth0", "CNI_ARGS=A=1"] {
            #expect(said.contains(variable + "\n"))
        }
        #expect(!said.contains("CNI_PATH"))
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        #expect(said.contains("{}\n1\nnet:["))
        #expect(!said.contains(own))
    }

    @Test func `the folder of the executables holds the plugins`() {
        #expect(Executables.exists("bridge"), "looked in \(Executables.folder)")
    }

    /// A pair of links, v0 in the host and v1 in the container, with addresses of both families.
    private func connect(_ lab: Lab) throws {
        try lab.host.ip(
            "link", "add", "v0", "mtu", "1400", "type", "veth", "peer", "name", "v1", "netns", lab.container.name)
        for (namespace, link, number) in [(lab.host, "v0", 1), (lab.container, "v1", 2)] {
            try namespace.shell(
                "ip addr add 10.9.0.\(number)/24 dev \(link); ip addr add fd09::\(number)/64 dev \(link) nodad; ip link set \(link) up"
            )
        }
    }
}
