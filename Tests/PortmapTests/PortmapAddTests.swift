import CNI
import CNIPlugin
import InterfaceTestSupport
import Netlink
import NetworkAddress
import PacketFilter
import PacketFilterSetup
import SystemPackage
import Testing

@testable import portmap

@Suite("PortmapPlugin, ADD")
struct PortmapAddTests {
    private static let owner = PortmapScene.owner

    @Test("what the plugins before have made is handed on as it is")
    func prevResult() throws {
        var scene = try PortmapScene()
        scene.prevResult = try PortmapScene.result(
            """
            "ips":[\(PortmapScene.ipv4)],"routes":[{"dst":"0.0.0.0/0","gw":"10.1.0.1","x":1}],
            "dns":{"nameservers":["10.0.0.53"]},"vendor.example/key":[1,{"a":null}]
            """)
        let given = try #require(scene.prevResult)
        #expect(try scene.add() == given)
        #expect(try scene.add("") == given)
    }

    @Test("an intent is made of configuration, attachment and prevResult")
    func intent() throws {
        let scene = try PortmapScene()
        try scene.add(
            #"\#(PortmapScene.web),{"hostPort":9000,"containerPort":9000,"range":5,"protocol":"udp"}"#,
            #""backend":"iptables","masqAll":true,"markMasqBit":5,"conditionsV4":["-i","eth0"]"#)
        let expected = PortForwarding(
            owner: Self.owner,
            mappings: [
                PortMapping(.tcp, hostPorts: 8080...8080, containerPort: 80),
                PortMapping(.udp, hostPorts: 9000...9004, containerPort: 9000),
            ],
            containers: ["10.1.0.5/16", "fd00:1::5/64"].compactMap { IPPrefix($0) }, sourceTranslation: .always,
            mark: .bit(5), conditions: [RuleCondition(.ipv4, .inputLink("eth0"))], link: "cni0")
        #expect(scene.iptables.state.published == [Self.owner: expected])
        #expect(scene.nftables.state == FakePacketFilter.State())
    }

    @Test(
        "the backend is the one of the configuration; the host chooses where there is none",
        arguments: [
            ("", nil), (#""backend":"""#, nil), (#""backend":"nftables""#, .nftables),
            (#""backend":"iptables""#, .iptables),
        ] as [(String, PacketFilterBackendName?)])
    func backend(members: String, name: PacketFilterBackendName?) throws {
        let scene = try PortmapScene()
        try scene.add(PortmapScene.web, members)
        #expect(scene.filters.chosen == [name])
        let used = name == .iptables ? scene.iptables : scene.nftables
        #expect(Array(used.state.published.keys) == [Self.owner])
    }

    @Test("without mappings nothing is asked of anybody", arguments: ["{}", #"{"runtimeConfig":{"portMappings":[]}}"#])
    func nothing(text: String) throws {
        let scene = try PortmapScene()
        let request = try scene.runtime.request(text, prevResult: scene.prevResult)
        #expect(try scene.plugin.add(request) == scene.prevResult)
        try scene.plugin.check(request)
        #expect(scene.log.calls.isEmpty && scene.filters.chosen.isEmpty && scene.connections.calls.isEmpty)
    }

    @Test("a plugin with none before it has nothing to hand on", arguments: ["", PortmapScene.web])
    func noPrevResult(mappings: String) throws {
        var scene = try PortmapScene()
        scene.prevResult = nil
        let request = try scene.request(mappings)
        for command in [{ _ = try scene.plugin.add(request) }, { try scene.plugin.check(request) }] {
            #expect(
                failure(command) == "prevResult: expected the result of the plugins before this one, found nothing")
            #expect(code(command) == 7)
        }
        #expect(scene.log.calls.isEmpty)
    }

    @Test("what is wrong is refused before anything is asked of anybody")
    func refusals() throws {
        let scene = try PortmapScene()
        #expect(code { try scene.add(#"{"hostPort":0,"containerPort":80}"#) } == 7)
        #expect(code { try scene.add(PortmapScene.web, #""conditionsV4":["-j","ACCEPT"]"#) } == 7)
        var bare = scene
        bare.prevResult = try PortmapScene.result(#""ips":[]"#)
        #expect(code { try bare.add() } == 7)
        #expect(scene.log.calls.isEmpty && scene.filters.chosen.isEmpty)
    }

    @Test("once the ports are published, the kernel forgets who used them for something else")
    func forgetting() throws {
        let scene = try PortmapScene()
        try scene.add(#"{"hostPort":53,"containerPort":53,"protocol":"udp","hostIP":"192.0.2.1"}"#)
        let mapping = PortMapping(.udp, hostAddress: IPAddress("192.0.2.1"), hostPorts: 53...53, containerPort: 53)
        let container = try #require(IPAddress("10.1.0.5"))
        #expect(
            scene.connections.calls == [
                FakeConnectionTracker.Call(
                    published: [PublishedPort(mapping: mapping, container: container)], which: .thatGoElsewhere)
            ])
        let (published, forgotten) = (scene.log.position("publish"), scene.log.position("conntrack"))
        #expect(try #require(published) < #require(forgotten))
    }

    @Test("a kernel that tracks no connections has nothing to forget")
    func noTracking() throws {
        let scene = try PortmapScene()
        scene.connections.isSupported = false
        #expect(try scene.add() == scene.prevResult)
        #expect(scene.nftables.state.published[Self.owner] != nil)
    }

    // MARK: The link to the container

    @Test("the link that leads to the container counts where the plugins before say that they made it")
    func link() throws {
        let scene = try PortmapScene()
        try scene.add()
        #expect(scene.nftables.state.published[Self.owner]?.link == "cni0")
        #expect(scene.log.calls.contains("host: look up the route to 10.1.0.5"))
    }

    @Test("by IPv6 where the container has nothing else")
    func linkOfIPv6() throws {
        var scene = try PortmapScene()
        scene.prevResult = try PortmapScene.result(#""ips":[\#(PortmapScene.ipv6)]"#)
        try scene.add()
        #expect(scene.nftables.state.published[Self.owner]?.link == "cni0")
        #expect(scene.log.calls.contains("host: look up the route to fd00:1::5"))
    }

    @Test("another link's settings are not ours to change")
    func foreignLink() throws {
        // By the uplink, which no plugin made.
        var scene = try PortmapScene()
        scene.runtime.host.addAddress("10.9.0.1/16", to: "eth0")
        scene.prevResult = try PortmapScene.result(#""ips":[{"address":"10.9.0.5/16","interface":2}]"#)
        try scene.add()
        #expect(scene.nftables.state.published[Self.owner]?.link == nil)
        // By a link whose name is only that of an interface in the sandbox.
        scene = try PortmapScene()
        scene.runtime.host["cni0"]?.name = "eth0-of-the-host"
        try scene.add()
        #expect(scene.nftables.state.published[Self.owner]?.link == nil)
        scene = try PortmapScene()
        scene.runtime.host.removeAddresses(of: "cni0")
        scene.runtime.host.addAddress("10.1.0.1/16", to: "eth0")
        try scene.add()
        #expect(scene.nftables.state.published[Self.owner]?.link == nil)
        // By no link at all.
        scene.runtime.host.removeAddresses(of: "eth0")
        try scene.add()
        #expect(scene.nftables.state.published[Self.owner]?.link == nil)
    }

    @Test("where no source is translated the link does not matter, and is not looked for")
    func noTranslation() throws {
        let scene = try PortmapScene()
        try scene.add(PortmapScene.web, #""snat":false"#)
        #expect(scene.nftables.state.published[Self.owner]?.link == nil)
        #expect(scene.log.calls == ["nftables: publish ports of \(Self.owner)", "conntrack: forget connections"])
    }

    // MARK: Failures

    private static let errors: [Errno] = [.notPermitted, .noMemory, .resourceBusy, .ioError]

    @Test("whichever call fails, the error names the operation, and all is as it was", arguments: errors)
    func everyCall(errno: Errno) throws {
        let untouched = try PortmapScene()
        try untouched.add()
        let calls = untouched.log.calls
        #expect(
            calls == [
                "host: open a netlink socket", "host: look up the route to 10.1.0.5",
                "nftables: publish ports of \(Self.owner)", "conntrack: forget connections",
            ])
        for number in calls.indices {
            let scene = try PortmapScene()
            try scene.add(#"{"hostPort":7070,"containerPort":70}"#, "", network: "other", containerID: "c2")
            let before = scene.nftables.state
            scene.log.clear()
            scene.log.fail(call: number + 1, errno)
            let message = failure { try scene.add() } ?? "nothing"
            let operation = calls[number].drop { $0 != ":" }.dropFirst(2)
            #expect(message.contains("cannot \(operation)") && message.contains("\(errno)"), "\(message)")
            #expect(scene.nftables.state == before && scene.iptables.state == FakePacketFilter.State())
            #expect(scene.log.calls.prefix(number + 1) == calls.prefix(number + 1))
        }
    }

    @Test("ports that cannot be taken back do not hide why ADD failed")
    func rollbackFailsToo() throws {
        let scene = try PortmapScene()
        scene.log.failure = { _, call in
            call.contains("forget") ? .noMemory : call.contains("unpublish") ? .ioError : nil
        }
        let message = failure { try scene.add() }
        #expect(message == "conntrack: cannot forget connections: \(Errno.noMemory)")
        #expect(scene.log.calls.last == "nftables: unpublish ports of \(Self.owner)")
    }

    @Test("a port that somebody has is refused by its place in the configuration, and the owner is named")
    func conflict() throws {
        let scene = try PortmapScene()
        try scene.add(PortmapScene.web, "", network: "other", containerID: "c2")
        let before = scene.nftables.state
        let free = #"{"hostPort":7070,"containerPort":70}"#
        // The number is that in the configuration, where a mapping may be given twice.
        for (mappings, number) in [
            (PortmapScene.web, 0), ("\(free),\(PortmapScene.web)", 1), ("\(free),\(free),\(PortmapScene.web)", 2),
        ] {
            #expect(
                failure { try scene.add(mappings) }
                    == "runtimeConfig.portMappings[\(number)].hostPort: expected a port that nobody has published, found 8080/tcp, published by eth0 of container c2 on network other"
            )
            #expect(code { try scene.add(mappings) } == 7)
        }
        #expect(scene.nftables.state == before)
        #expect(!scene.log.calls.contains { $0.contains("unpublish") })
    }

    @Test("the same container on another network is no conflict")
    func twoNetworks() throws {
        let scene = try PortmapScene()
        try scene.add()
        try scene.add(PortmapScene.web, "", network: "other")
        #expect(Set(scene.nftables.state.published.keys.map(\.network)) == ["net", "other"])
    }

    // MARK: CHECK

    @Test("CHECK asks the backend for what ADD made, and nothing else of anybody", arguments: ["nftables", "iptables"])
    func checking(backend: String) throws {
        let scene = try PortmapScene()
        let request = try scene.request(PortmapScene.web, #""backend":"\#(backend)""#)
        _ = try scene.plugin.add(request)
        scene.log.clear()
        try scene.plugin.check(request)
        #expect(
            scene.log.calls.last == "\(backend): check ports of \(Self.owner)" && scene.connections.calls.count == 1)
        (backend == "nftables" ? scene.nftables : scene.iptables).state = FakePacketFilter.State()
        #expect(failure { try scene.plugin.check(request) } == "\(backend): found nil")
        #expect(code { try scene.plugin.check(request) } == 100)
    }
}
