internal import CNI
internal import JSON
internal import LinuxSystem
internal import NetworkAddress
internal import SystemPackage
internal import Testing

@testable internal import host_local

@Suite struct HostLocalPluginTests {
    private let store = FakeLeaseStore()
    private let ipam: JSONValue = ["ranges": [[["subnet": "10.1.0.0/24"]], [["subnet": "fd00::/64"]]]]
    private var plugin: HostLocalPlugin {
        var plugin = HostLocalPlugin()
        plugin.stores = store
        plugin.resolverFiles = FakeResolverFiles(files: ["/etc/resolv.conf": "nameserver 10.1.0.1\nsearch a b\n"])
        return plugin
    }

    struct FakeResolverFiles: ResolverFiles {
        let files: [String: String]

        func contents(of path: String) throws(Errno) -> [UInt8] {
            guard let text = files[path] else { throw .noSuchFileOrDirectory }
            return Array(text.utf8)
        }
    }

    private func add(_ container: String) throws -> AttachmentResult {
        try plugin.add(Requests.attach(Requests.attachment(container), Requests.configuration(ipam: ipam)))
    }

    @Test func `a result has addresses with their networks' lengths, gateways, routes and name servers`() throws {
        let ipam: JSONValue = [
            "subnet": "10.1.0.0/20", "routes": [["dst": "0.0.0.0/0"]], "resolvConf": "/etc/resolv.conf",
        ]
        let request = try Requests.attach(Requests.attachment("a"), Requests.configuration(ipam: ipam))
        #expect(
            try plugin.add(request)
                == AttachmentResult(
                    ips: [.init(address: try prefix("10.1.0.2/20"), gateway: try address("10.1.0.1"))],
                    routes: [.init(destination: try prefix("0.0.0.0/0"))],
                    dns: .init(nameservers: ["10.1.0.1"], search: ["a", "b"])))
    }

    @Test func `a resolver file that cannot be read fails before anything is taken`() throws {
        let ipam: JSONValue = ["subnet": "10.1.0.0/20", "resolvConf": "/absent"]
        let request = try Requests.attach(Requests.attachment("a"), Requests.configuration(ipam: ipam))
        let error = #expect(throws: CNIError.self) { try plugin.add(request) }
        #expect(error?.message == "ipam.resolvConf: /absent cannot be read")
        #expect(store.opened.isEmpty)
    }

    @Test func `CHECK wants an address of every set`() throws {
        let request = try Requests.attach(Requests.attachment("a"), Requests.configuration(ipam: ipam))
        #expect(throws: CNIError.self) { try plugin.check(request) }
        _ = try add("a")
        try plugin.check(request)
        try store.release(address("fd00::2"))
        let error = #expect(throws: CNIError.self) { try plugin.check(request) }
        #expect(
            error?.message == "eth0 of container a on network net has no address of fd00::1-fd00::ffff:ffff:ffff:ffff")
    }

    @Test func `CHECK compares prevResult where it speaks of our ranges`() throws {
        _ = try add("a")
        func check(_ promised: String) throws {
            let configuration = try Requests.configuration(
                ipam: ipam, ["prevResult": ["cniVersion": "1.0.0", "ips": [["address": .string(promised)]]]])
            try plugin.check(Requests.attach(Requests.attachment("a"), configuration))
        }
        try check("10.1.0.2/24")
        try check("192.168.7.7/24")
        let error = #expect(throws: CNIError.self) { try check("10.1.0.3/24") }
        #expect(
            error?.message
                == "prevResult gives 10.1.0.3 to eth0 of container a on network net, which has 10.1.0.2, fd00::2")
    }

    @Test func `DEL releases what ADD took, and nothing of others`() throws {
        _ = try add("a")
        _ = try add("b")
        try plugin.delete(Requests.detach(Requests.attachment("a"), Requests.configuration(ipam: ipam)))
        #expect(Set(store.owners.values) == [LeaseOwner(Requests.attachment("b"))])
        #expect(store.unsynchronized == 0)
        try plugin.delete(Requests.detach(Requests.attachment("a"), Requests.configuration(ipam: ipam)))
        try plugin.delete(Requests.detach(Requests.attachment("b", "eth1"), Requests.configuration(ipam: ipam)))
        #expect(store.owners.count == 2)
    }

    @Test func `DEL does not mind ranges that are no longer valid`() throws {
        _ = try add("a")
        let broken = try Requests.configuration(ipam: ["subnet": "10.1.0.5/24", "ranges": "none"])
        try plugin.delete(Requests.detach(Requests.attachment("a"), broken))
        #expect(store.owners.isEmpty)
    }

    @Test func `DEL, CHECK, STATUS and GC of a network without leases make no directory`() throws {
        store.exists = false
        let configuration = try Requests.configuration(ipam: ipam)
        try plugin.delete(Requests.detach(Requests.attachment("a"), configuration))
        try plugin.status(Requests.network(configuration))
        try plugin.collectGarbage(Requests.network(configuration), living: [])
        #expect(throws: CNIError.self) { try plugin.check(Requests.attach(Requests.attachment("a"), configuration)) }
        #expect(store.opened.map(\.creating) == [false, false, false, false])
    }

    @Test func `STATUS fails with code 50 when a set is full`() throws {
        let configuration = try Requests.configuration(ipam: [
            "ranges": [[["subnet": "10.1.0.0/30"]], [["subnet": "fd00::/64"]]]
        ])
        try plugin.status(Requests.network(configuration))
        _ = try plugin.add(Requests.attach(Requests.attachment("a"), configuration))
        let error = #expect(throws: CNIError.self) { try plugin.status(Requests.network(configuration)) }
        #expect(error?.code == .notAvailable)
        #expect(error?.message == "no addresses left in 10.1.0.1-10.1.0.2: 1 of 1 are taken")
    }

    @Test func `STATUS finds the errors that ADD would find`() throws {
        let configuration = try Requests.configuration(ipam: ["subnet": "10.1.0.5/24"])
        #expect(throws: JSONError.self) { try plugin.status(Requests.network(configuration)) }
        let unreadable = try Requests.configuration(ipam: ["subnet": "10.1.0.0/24", "resolvConf": "/absent"])
        #expect(throws: CNIError.self) { try plugin.status(Requests.network(unreadable)) }
    }

    @Test func `GC releases exactly what is not among the living`() throws {
        _ = try add("a")
        _ = try add("b")
        store.owners[try address("10.1.0.200")] = LeaseOwner(containerID: "a")
        store.owners[try address("10.1.0.201")] = LeaseOwner(containerID: "old")
        store.owners[try address("10.1.0.202")] = LeaseOwner(Requests.attachment("a", "eth9"))
        let request = Requests.network(try Requests.configuration(ipam: ipam))
        try plugin.collectGarbage(request, living: [Requests.attachment("a")])
        #expect(store.owners.keys.sorted().map(\.description) == ["10.1.0.2", "10.1.0.200", "fd00::2"])
        try plugin.collectGarbage(request, living: [])
        #expect(store.owners.isEmpty)
    }
}

@Suite struct ResolverConfigurationTests {
    @Test func `comments, blank lines and unknown words are passed over`() {
        let text = """
            # a comment
            ; another
            nameserver 10.1.0.1
              nameserver\t10.1.0.2
            domain first
            domain example.org
            search a b
            search c
            options ndots:2 rotate
            sortlist 10.0.0.0
            nameserver

            """
        #expect(
            AttachmentResult.DNS(resolverFile: Array(text.utf8))
                == AttachmentResult.DNS(
                    nameservers: ["10.1.0.1", "10.1.0.2"], domain: "example.org", search: ["a", "b", "c"],
                    options: ["ndots:2", "rotate"]))
    }
}

@Suite struct LeaseOwnerTests {
    @Test func `a file holds the container and the interface as the reference writes them`() {
        #expect(LeaseOwner(Requests.attachment("abc")).contents == Array("abc\r\neth0".utf8))
    }

    @Test(
        arguments: [
            ("abc\r\neth0", LeaseOwner(containerID: "abc", interfaceName: "eth0")),
            ("abc\r\neth0\n", LeaseOwner(containerID: "abc", interfaceName: "eth0")),
            ("abc\neth0", LeaseOwner(containerID: "abc", interfaceName: "eth0")),
            ("abc", LeaseOwner(containerID: "abc")),
            ("  abc\n", LeaseOwner(containerID: "abc")),
            ("kept for the printer", nil), ("abc\r\neth0\r\nmore", nil), ("", nil), ("\u{0}\u{0}", nil),
            ("ab\u{0}", nil),
        ] as [(String, LeaseOwner?)])
    func `a file says whose it is`(contents: String, owner: LeaseOwner?) {
        #expect(LeaseOwner(contents: Array(contents.utf8)) == owner)
    }

    @Test func `only an empty file, or one with zeros, belongs to nobody`() {
        #expect(LeaseOwner.text(of: []) == nil)
        #expect(LeaseOwner.text(of: Array(" \r\n".utf8)) == nil)
        #expect(LeaseOwner.text(of: [0, 0, 0]) == nil)
        #expect(LeaseOwner.text(of: Array("abc\u{0}\u{0}".utf8)) == nil)
        #expect(
            LeaseOwner.text(of: Array("kept for the printer\n".utf8)).map(Array.init)
                == Array("kept for the printer".utf8))
    }
}
