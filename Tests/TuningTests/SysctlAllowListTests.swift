import InterfaceTestSupport
import LinuxSystem
import Testing

@testable import tuning

@Suite("The allow-list of sysctls")
struct SysctlAllowListTests {
    private func allows(_ line: String, _ key: String, interfaceName: String = "eth0") throws -> Bool {
        let pattern = try #require(SysctlPattern(line), "\(line)")
        return pattern.allows(try #require(Sysctl(name: key), "\(key)"), interfaceName: interfaceName)
    }

    @Test(
        "a line allows what it says",
        arguments: [
            ("net.core.somaxconn", "net.core.somaxconn"), ("^net.core.somaxconn$", "net.core.somaxconn"),
            (#"^net\.core\.somaxconn$"#, "net/core/somaxconn"), (#"net\.core.somaxconn"#, "net.core.somaxconn"),
            ("net/core/somaxconn", "net.core.somaxconn"),
            (#"^net\.ipv4\.conf\.IFNAME\.[a-z_]*$"#, "net.ipv4.conf.eth0.log_martians"),
            ("^net.ipv4.conf.IFNAME.[a-z_]+$", "net.ipv4.conf.eth0.log_martians"),
            ("net.ipv4.neigh.IFNAME.[a-z0-9_]*", "net.ipv4.neigh.eth0.gc_thresh1"),
            (#"net\.ipv4\.conf\..*\.forwarding"#, "net.ipv4.conf.eth0.forwarding"),
            ("net.ipv4.conf..*.forwarding", "net.ipv4.conf.eth0/100.forwarding"),
            ("net.ipv4.conf.*.forwarding", "net.ipv4.conf.all.forwarding"),
            ("net.ipv4.conf.*.*", "net.ipv4.conf.all.forwarding"),
            ("net/ipv4/conf/*/forwarding", "net.ipv4.conf.all.forwarding"),
            ("net/ipv4/conf/.*/forwarding", "net.ipv4.conf.all.forwarding"),
            ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
            ("net/ipv4/conf/eth0.100/forwarding", "net.ipv4.conf.eth0/100.forwarding"),
            ("net.ipv4.conf.eth0.forwarding", "net.ipv4.conf.eth0.forwarding"),
            ("^net.core.somaxconn", "net.core.somaxconn"), ("net.core.somaxconn$", "net.core.somaxconn"),
        ])
    func allowed(line: String, key: String) throws {
        #expect(try allows(line, key))
    }

    @Test(
        "and nothing else",
        arguments: [
            ("net.ipv4.conf.all.log_martians", "net.ipv4.conf.all.log_martiansx"),
            ("net.ipv4.conf.all.log_martians", "net.ipv4.conf.all.log_martians.x"),
            ("net.ipv4.conf.all.log_martians", "net.x.net.ipv4.conf.all.log_martians"),
            ("net.ipv4.conf.all", "net.ipv4.conf.all.log_martians"), ("net.core", "net.core.somaxconn"),
            ("net.core.somaxconn", "net.core.somaxcon"), ("net.core.somaxconn", "net.coreXsomaxconn"),
            ("net.ipv4.conf.*", "net.ipv4.conf.all.forwarding"), ("net.*", "net.core.somaxconn"),
            (".*", "net.core.somaxconn"), ("net.ipv4..*", "net.ipv4.conf.all.forwarding"),
            (#"^net\.ipv4\.conf\.IFNAME\.[a-z_]*$"#, "net.ipv4.conf.eth1.log_martians"),
            (#"^net\.ipv4\.conf\.IFNAME\.[a-z_]*$"#, "net.ipv4.conf.eth0.x.log_martians"),
            (#"^net\.ipv4\.conf\.IFNAME\.[a-z_]*$"#, "net.ipv6.conf.eth0.log_martians"),
            ("net.ipv4.neigh.IFNAME.[a-z_]*", "net.ipv4.neigh.eth0.gc_thresh1"),
            ("net.ipv4.neigh.IFNAME.[a-z0-9_]*", "net.ipv4.neigh.eth0.GC"),
            ("net.ipv4.conf.[a-z_]*.forwarding", "net.ipv4.conf.eth0.forwarding"),
            ("net.ipv4.conf.eth0.100.forwarding", "net.ipv4.conf.eth0/100.forwarding"),
            ("NET.core.somaxconn", "net.core.somaxconn"), ("kernel.core_pattern", "net.core.somaxconn"),
        ])
    func refused(line: String, key: String) throws {
        #expect(try !allows(line, key))
    }

    @Test("IFNAME is the interface's whole name, dots and all")
    func dottedInterface() throws {
        #expect(
            try allows("net.ipv4.conf.IFNAME.a", "net.ipv4.conf.eth0/100.a", interfaceName: "eth0.100"))
        #expect(try !allows("net.ipv4.conf.IFNAME.a", "net.ipv4.conf.eth0.a", interfaceName: "eth0.100"))
        #expect(try !allows("net.ipv4.conf.IFNAMEx.a", "net.ipv4.conf.eth0x.a"))
    }

    @Test(
        "anything else of a regular expression is no line",
        arguments: [
            "net.core.(a|b)", "net.core.[a-c]*", "net.core.a?", "net.core.a+", "net.core.a*", "net.core.a.*b",
            "net.core.a[a-z_]*", "net.core.[a-z_]*a", "net.core.[a-z_]{2}", #"net\.core\d"#, "net.^core.a", "net.$.a",
            "^", "$", "^$", "net.", ".net.core", "net..core", "net.core.", #"net\core"#, #"net.core.a\"#,
            #"net\.core\$"#,
            "net.core.a b", "net.core.a # why", "net.core.a|net.core.b", "net//a", "net/core/", "net/core/[a-z_]*x",
            "^^net.core.a", "net.core.a$$", "net.core.[a-z0-9_]", "net.core.**", #"net/core\/a"#, "net.core.a\tb",
        ])
    func malformed(line: String) {
        #expect(SysctlPattern(line) == nil)
    }

    // MARK: The file

    @Test("without a file everything below net is allowed")
    func absent() throws {
        let scene = try TuningScene()
        try scene.add(#""sysctl":{"net.core.somaxconn":"500"}"#)
        #expect(scene.sysctl("core/somaxconn") == "500")
    }

    @Test("blank lines and comments are skipped, whatever ends a line")
    func lines() throws {
        let scene = try TuningScene()
        try scene.writeAllowList("# who may what (a|b)\r\n\r\n \t\n  ^net\\.core\\.somaxconn$  \r\n  # net.x\n")
        try scene.add(#""sysctl":{"net.core.somaxconn":"500"}"#)
        #expect(scene.sysctl("core/somaxconn") == "500")
    }

    @Test(
        "what no line allows is refused before anything is changed, in all three places",
        arguments: [
            #""sysctl":{"net.core.somaxconn":"500","net.ipv4.conf.all.log_martians":"1"}"#,
            #""sysctl":{"net.core.somaxconn":"500"},"args":{"cni":{"sysctl":{"net.ipv4.conf.all.log_martians":"1"}}}"#,
            #""sysctl":{"net.core.somaxconn":"500"},"runtimeConfig":{"sysctl":{"net.ipv4.conf.all.log_martians":"1"}}"#,
        ])
    func refusedKey(members: String) throws {
        let scene = try TuningScene()
        try scene.writeAllowList("net.core.somaxconn\nnet.ipv4.conf.all.log_martiansx\n")
        let before = scene.runtime.kernel.snapshot
        let message = try #require(failure { try scene.add(members + #","mtu":1400"#) })
        #expect(message.contains(scene.allowList), "\(message)")
        #expect(message.contains(#""net.ipv4.conf.all.log_martians""#), "\(message)")
        #expect(code { try scene.add(members) } == 7)
        #expect(scene.runtime.kernel.snapshot == before)
        #expect(scene.log.calls.isEmpty)
        #expect(scene.files() == nil)
    }

    @Test("an empty file allows nothing")
    func empty() throws {
        let scene = try TuningScene()
        try scene.writeAllowList("\n# nothing\n")
        #expect(code { try scene.add(#""sysctl":{"net.core.somaxconn":"500"}"#) } == 7)
        try scene.add(#""mtu":1400"#)
    }

    @Test("IFNAME in the list and IFNAME in a key are the container's interface")
    func interfaceName() throws {
        let scene = try TuningScene()
        try scene.writeAllowList(#"^net\.ipv4\.conf\.IFNAME\.[a-z_]*$"#)
        for key in ["net.ipv4.conf.IFNAME.log_martians", "net.ipv4.conf.eth0.log_martians"] {
            try scene.add(#""sysctl":{"\#(key)":"1"}"#)
        }
        #expect(code { try scene.add(#""sysctl":{"net.ipv4.conf.all.log_martians":"1"}"#) } == 7)
    }

    @Test("a line that is not understood is named with its file, by ADD and by STATUS")
    func malformedFile() throws {
        let scene = try TuningScene()
        try scene.writeAllowList("net.core.somaxconn\n\nnet.core.(a|b)\n")
        let request = try scene.request(#""sysctl":{"net.core.somaxconn":"500"}"#)
        let message = try #require(failure { try scene.plugin.add(request) })
        #expect(message.contains("\(scene.allowList), line 3: expected the name of a kernel parameter"), "\(message)")
        #expect(message.contains(#"found "net.core.(a|b)""#))
        #expect(code { try scene.plugin.add(request) } == 6)
        #expect(code { try scene.plugin.status(try scene.runtime.networkRequest()) } == 50)
        #expect(scene.log.calls.isEmpty)
        // Who sets no sysctl is not concerned.
        try scene.add(#""mtu":1400"#)
    }

    @Test("a list that cannot be read is an error, by ADD and by STATUS")
    func unreadable() throws {
        let scene = try TuningScene()
        var plugin = scene.plugin
        plugin.allowListPath = "/proc/self"
        let request = try scene.request(#""sysctl":{"net.core.somaxconn":"500"}"#)
        #expect(failure { try plugin.add(request) }?.contains("cannot read the allow-list /proc/self") == true)
        #expect(code { try plugin.add(request) } == 5)
        #expect(code { try plugin.status(try scene.runtime.networkRequest()) } == 50)
    }

    @Test("STATUS is good with a good list and without one, and reports keys that are wrong")
    func status() throws {
        let scene = try TuningScene()
        try scene.plugin.status(try scene.runtime.networkRequest(#"{"sysctl":{"net.a.IFNAME.b":"1"}}"#))
        try scene.writeAllowList("net.core.somaxconn")
        try scene.plugin.status(try scene.runtime.networkRequest(#"{"sysctl":{"net.a.IFNAME.b":"1"}}"#))
        #expect(code { try scene.plugin.status(try scene.runtime.networkRequest(#"{"mtu":1}"#)) } == 7)
        #expect(scene.log.calls.isEmpty)
    }
}
