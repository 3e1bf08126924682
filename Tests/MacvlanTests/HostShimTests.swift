import CNI
import CNIPlugin
import InterfaceSetup
import InterfaceTestSupport
import JSON
import LinuxSystem
import Netlink
import NetworkAddress
import SystemPackage
import Testing

@testable import macvlan

@Suite("HostShim")
struct HostShimTests {
    private let scene: MacvlanScene
    private let second: (sandbox: Sandbox, stack: FakeNetworkStack)
    private static let members = #""hostShim":true"#

    init() throws {
        scene = try MacvlanScene(ipam: MacvlanScene.dualStack)
        second = try scene.runtime.kernel.makeSandbox("/run/netns/two")
        scene.programs.answersForContainers["c2"] = [
            "ADD": .prints(#"{"ips":[{"address":"192.0.2.6/24"},{"address":"2001:db8::6/64"}]}"#)
        ]
    }

    private var name: String { scene.shim() }

    private func addSecond(_ members: String = members) throws {
        try scene.add(members, containerID: "c2", sandbox: second.sandbox)
    }

    private func deleteSecond() throws {
        try scene.delete(Self.members, containerID: "c2", sandbox: second.sandbox)
    }

    /// What IPAM was called for on behalf of the host.
    private var hostCommands: [String] {
        scene.programs.calls.filter { $0.containerID == HostShim.containerID }.map(\.command)
    }

    // MARK: Making it

    /// `static` gives everybody the addresses of the configuration.
    @Test("an IPAM plugin that gives the host the container's address is refused, and nothing is left")
    func addressOfTheContainer() throws {
        scene.programs.answersForContainers[HostShim.containerID] = ["ADD": .prints(MacvlanScene.oneAddress)]
        let before = scene.runtime.kernel.snapshot
        #expect(
            failure { try scene.add(Self.members) }
                == "hostShim: expected an address of the host's own from fake-ipam, found 192.0.2.5, the container's")
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases.isEmpty)
    }

    @Test("the first attachment makes the shim, whole and up, and the host reaches the container by it")
    func made() throws {
        let result = try scene.add(Self.members)
        let shim = try #require(scene.host[name])
        #expect(shim.kind == "macvlan" && shim.isUp && shim.macvlan == MacvlanSettings(mode: .bridge))
        #expect(shim.tiedTo == scene.host["eth0"]?.index && !shim.isTiedElsewhere)
        #expect(shim.alias == "host shim of network net")
        #expect(scene.host.addresses(name) == ["192.0.2.200/32", "2001:db8::200/128"])
        let addresses = try #require(scene.host.state.addresses[shim.index])
        #expect(addresses.allSatisfy { !$0.isTentative } && addresses.map(\.skipsDuplicateDetection) == [false, true])
        #expect(scene.shimRoutes() == ["192.0.2.5/32", "2001:db8::5/128"])
        for route in scene.host.state.routes {
            #expect(route.nextHops == [Route.NextHop(link: shim.index)])
            #expect(try #require(route.priority) >= 1 << 31)
        }
        for (sysctl, value) in [("accept_ra", "0"), ("autoconf", "0"), ("disable_ipv6", "0")] {
            #expect(scene.host.sysctl(Sysctl("ipv6", "conf", name, sysctl)) == value)
        }
        #expect(scene.host.sysctl(Sysctl("ipv4", "conf", name, "arp_filter")) == "1")
        #expect(scene.host.sysctl(Sysctl("ipv4", "conf", "eth0", "arp_filter")) == "0")
        #expect(
            result.interfaces == [
                .init(try #require(scene.container["net1"]), sandbox: scene.runtime.sandbox.path), .init(shim),
            ])
        #expect(result.ips.map(\.interface) == [0, 0])
        #expect(scene.programs.leases == ["c1", HostShim.containerID])
    }

    @Test("a shim with IPv4 addresses only leaves IPv6 as it is on the host")
    func ipv4Only() throws {
        let scene = try MacvlanScene(shim: MacvlanScene.hostOneAddress)
        try scene.add(Self.members)
        #expect(scene.log.position("host: write net/ipv6/conf/\(scene.shim())/disable_ipv6") == nil)
        #expect(scene.shimRoutes() == ["192.0.2.5/32"])
    }

    @Test("IPAM is asked for the host in the host's name, and for nothing that the container wants")
    func delegate() throws {
        let prevResult = AttachmentResult(interfaces: [.init(name: "ens3")])
        let members =
            #""hostShim":true,"runtimeConfig":{"ips":["192.0.2.5"]},"args":{"cni":{"ips":["192.0.2.5"]}},"extra":1"#
        // What the runtime says in the environment comes from how the plugin was called.
        let plain = try scene.request(members, prevResult: prevResult)
        let entries = plain.execution.environment.entries + ["CNI_ARGS=IP=192.0.2.5"]
        let request = AttachRequest(
            attachment: plain.attachment, sandbox: plain.sandbox, configuration: plain.configuration,
            execution: Execution(environment: ProcessEnvironment(entries), input: plain.execution.input))
        _ = try scene.plugin.add(request)
        #expect(scene.programs.calls.map(\.command) == ["ADD", "DEL", "ADD"])
        #expect(scene.programs.calls.map(\.containerID) == ["c1", HostShim.containerID, HostShim.containerID])
        let container = try #require(scene.programs.calls.first)
        #expect(container.environment["CNI_ARGS"] == "IP=192.0.2.5" && container.input == plain.execution.input)
        let read = try JSONField(JSONValue(parsing: container.input)).object()
        let document = try #require(read)
        for call in scene.programs.calls.dropFirst() {
            #expect(call.environment["CNI_ARGS"] == nil && call.environment["CNI_IFNAME"] == name)
            #expect(call.environment["CNI_PATH"] == "/opt/cni/bin")
            let expected = document.without(["runtimeConfig", "args", "prevResult"])
            #expect(try JSONValue(parsing: call.input) == .object(expected))
        }
    }

    // MARK: Sharing it

    @Test("attachments share the shim: made once, and gone with the last one")
    func shared() throws {
        let before = scene.runtime.kernel.snapshot
        try scene.add(Self.members)
        let shim = try #require(scene.host[name])
        try addSecond()
        #expect(scene.host[name] == shim && hostCommands == ["DEL", "ADD"])
        #expect(scene.shimRoutes() == ["192.0.2.5/32", "192.0.2.6/32", "2001:db8::5/128", "2001:db8::6/128"])
        #expect(Set(scene.host.state.routes.map(\.priority)).count == 2)

        try scene.delete(Self.members)
        #expect(scene.host[name] == shim && scene.shimRoutes() == ["192.0.2.6/32", "2001:db8::6/128"])
        #expect(scene.programs.leases == ["c2", HostShim.containerID])
        for _ in 0..<2 {
            try deleteSecond()
            #expect(scene.host[name] == nil && scene.programs.leases.isEmpty)
        }
        // A shim that is not there may have been deleted by hand: then its lease is looked for.
        #expect(hostCommands == ["DEL", "ADD", "DEL", "DEL"])
        #expect(scene.runtime.kernel.snapshot == before)
    }

    @Test("DEL without a sandbox leaves the shim too")
    func withoutSandbox() throws {
        try scene.add(Self.members)
        try scene.delete(Self.members, hasSandbox: false)
        #expect(scene.host[name] == nil && scene.programs.leases.isEmpty && scene.host.routes.isEmpty)
    }

    @Test("each network has a shim of its own")
    func networks() throws {
        try scene.add(Self.members)
        try scene.add(Self.members, containerID: "c2", network: "other", sandbox: second.sandbox)
        #expect(scene.shim(network: "other") != name)
        #expect(scene.shimRoutes() == ["192.0.2.5/32", "2001:db8::5/128"])
        #expect(scene.shimRoutes(network: "other") == ["192.0.2.6/32", "2001:db8::6/128"])
        try scene.delete(Self.members)
        #expect(scene.host[name] == nil && scene.host[scene.shim(network: "other")] != nil)
    }

    @Test("routes by the shim that stand for no attachment keep nothing alive")
    func otherRoutes() throws {
        try scene.add(Self.members)
        let shim = try #require(scene.host[name])
        // What the kernel adds itself, and what people add.
        for (text, metric) in [("fe80::/64", 256), ("198.51.100.0/24", 1 << 31), ("198.51.100.7/32", 5)]
            as [(String, UInt32)]
        {
            scene.host.addRoute(
                Route(
                    destination: try #require(IPPrefix(text)), nextHops: [.init(link: shim.index)], priority: metric))
        }
        try scene.delete(Self.members)
        #expect(scene.host[name] == nil && scene.programs.leases.isEmpty)
    }

    @Test("a route that an ADD left that was killed is taken for what it is")
    func routeIsThere() throws {
        try scene.add(Self.members)
        // The link goes with its sandbox; nobody called DEL.
        scene.container.remove(try #require(scene.container["net1"]?.index))
        try scene.add(Self.members)
        #expect(scene.shimRoutes() == ["192.0.2.5/32", "2001:db8::5/128"])
    }

    // MARK: What is in its place

    /// The shim as an ADD left it that was killed: made by hand, without a call.
    private func halfMade(isUp: Bool, _ addresses: [String], parent: String = "eth0") throws -> Link {
        let parent = try #require(scene.host[parent])
        let made = try scene.host.make(
            NewLink(name: name, kind: .macvlan(MacvlanSettings(mode: .bridge)), parent: parent.index))
        scene.host[name]?.isUp = isUp
        for address in addresses { scene.host.addAddress(address, to: name) }
        scene.log.clear()
        return made
    }

    @Test(
        "a half-made shim that nobody uses is made anew, and its lease released before another is asked for",
        arguments: [
            (false, ["192.0.2.200/32", "2001:db8::200/128"]), (true, []), (true, ["192.0.2.200/32"]),
            (true, ["192.0.2.200/32", "fe80::1/64"]),
        ])
    func halfMade(isUp: Bool, addresses: [String]) throws {
        let old = try halfMade(isUp: isUp, addresses)
        try scene.add(Self.members)
        let shim = try #require(scene.host[name])
        #expect(shim.index != old.index && shim.isUp && shim.alias == "host shim of network net")
        #expect(scene.host.addresses(name) == ["192.0.2.200/32", "2001:db8::200/128"])
        #expect(scene.shimRoutes() == ["192.0.2.5/32", "2001:db8::5/128"])
        #expect(hostCommands == ["DEL", "DEL", "ADD"])
        #expect(scene.programs.leases == ["c1", HostShim.containerID])
    }

    @Test("a shim that nobody uses moves with the master")
    func unusedOnOtherMaster() throws {
        let ens3 = scene.host.makeLink(name: "ens3", kind: nil, isUp: true)
        _ = try halfMade(isUp: true, ["192.0.2.200/32", "2001:db8::200/128"])
        try scene.add(#""hostShim":true,"master":"ens3""#)
        #expect(scene.host[name]?.tiedTo == ens3.index)
    }

    /// ADD for a second container fails with that text, and changes nothing.
    private func refusesSecond(_ members: String, _ message: String) throws {
        let before = scene.runtime.kernel.snapshot
        let leases = scene.programs.leases
        #expect(failure { try addSecond(members) } == message)
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases == leases)
    }

    @Test("a shim on another master that containers use is an error")
    func usedOnOtherMaster() throws {
        scene.host.makeLink(name: "ens3", kind: nil, isUp: true)
        try scene.add(Self.members)
        try refusesSecond(
            #""hostShim":true,"master":"ens3""#,
            "hostShim: \(name), which containers of the network use, is not on ens3: detach them first")
    }

    @Test("a shim that containers use and that lacks an address of a family is an error")
    func usedWithoutFamily() throws {
        let scene = try MacvlanScene(shim: MacvlanScene.hostOneAddress)
        try scene.add(Self.members)
        scene.programs.answers["ADD"] = .prints(MacvlanScene.dualStack)
        let second = try scene.runtime.kernel.makeSandbox("/run/netns/two")
        let before = scene.runtime.kernel.snapshot
        #expect(
            failure { try scene.add(Self.members, containerID: "c2", sandbox: second.sandbox) }
                == "hostShim: \(scene.shim()), which containers of the network use, lacks an address of every family that the network has now: detach them first"
        )
        #expect(scene.runtime.kernel.snapshot == before && scene.programs.leases == ["c1", HostShim.containerID])
    }

    @Test(
        "a foreign link of the shim's name is an error, and stays",
        arguments: [("veth", nil), (nil, nil), ("macvlan", "mine")] as [(String?, String?)])
    func foreign(kind: String?, alias: String?) throws {
        let shim = scene.host.makeLink(name: name, kind: kind, isUp: true, alias: alias)
        scene.host[name]?.tiedTo = scene.host["eth0"]?.index
        for address in ["192.0.2.200/32", "2001:db8::200/128"] { scene.host.addAddress(address, to: name) }
        try refusesSecond(
            Self.members, "hostShim: expected \(name) to be a host shim or absent, found another link")
        #expect(scene.host.state.links[shim.index] != nil && hostCommands == [])
        try scene.delete(Self.members)
        try scene.plugin.collectGarbage(scene.runtime.networkRequest(MacvlanScene.json(Self.members)), living: [])
        #expect(scene.host.state.links[shim.index] != nil && hostCommands == [])
    }

    // MARK: Removing it

    @Test("the shim's addresses go back before it does, and it no longer answers for them then")
    func removal() throws {
        try scene.add(Self.members)
        let index = try #require(scene.host[name]?.index)
        scene.log.clear()
        var leasesAtDeletion: Set<String>?
        // Holds no more than it needs: the scene would never end, and leave its folder behind.
        scene.log.failure = { [programs = scene.programs] _, call in
            if call == "host: delete link \(index)" { leasesAtDeletion = programs.leases }
            return nil
        }
        try scene.delete(Self.members)
        #expect(leasesAtDeletion == ["c1"])
        let down = try #require(scene.log.position("host: change link \(name): down"))
        #expect(try #require(scene.log.position("host: delete link \(index)")) > down)
        #expect(scene.log.calls.contains { $0.hasPrefix("host: delete route 192.0.2.5/32") })
    }

    @Test("a shim whose lease cannot be released stays, down, and goes with the next DEL")
    func leaseStays() throws {
        try scene.add(Self.members)
        scene.programs.answersForContainers[HostShim.containerID]?["DEL"] = .fails(
            status: 1, #"{"code":5,"msg":"disk gone"}"#)
        #expect(failure { try scene.delete(Self.members) } == "disk gone")
        #expect(scene.host[name]?.isUp == false && scene.programs.leases == [HostShim.containerID])
        scene.programs.answersForContainers[HostShim.containerID]?["DEL"] = nil
        try scene.delete(Self.members)
        #expect(scene.host[name] == nil && scene.programs.leases.isEmpty)
    }

    @Test("a shim that somebody has deleted by hand leaves no lease behind")
    func deletedByHand() throws {
        try scene.add(Self.members)
        try addSecond()
        scene.host.remove(try #require(scene.host[name]).index)
        try scene.delete(Self.members)
        #expect(scene.programs.leases == ["c2"])
        // Made anew, and gone with the last one: which releases the addresses once.
        try scene.add(Self.members)
        let before = hostCommands.count
        try deleteSecond()
        try scene.delete(Self.members)
        #expect(scene.programs.leases.isEmpty && hostCommands.count == before + 1)
    }

    // MARK: GC

    /// GC of the network.
    ///
    /// - Returns: for each key, the ids of the containers that IPAM's GC was told to keep.
    @discardableResult
    private func collect(
        living: [String], keys: [String] = ["cni.dev/valid-attachments"]
    ) throws -> [String: [String]] {
        let list = living.map { #"{"containerID":"\#($0)","ifname":"net1"}"# }.joined(separator: ",")
        let members = ([Self.members] + keys.map { #""\#($0)":[\#(list)]"# }).joined(separator: ",")
        let request = try scene.runtime.networkRequest(MacvlanScene.json(members))
        scene.programs.clear()
        try scene.plugin.collectGarbage(
            request,
            living: Set(
                living.map { CNI.Attachment(network: "net", containerID: $0, interfaceName: "net1") }))
        return try kept(keys)
    }

    private func kept(_ keys: [String]) throws -> [String: [String]] {
        let call = try #require(scene.programs.calls.last)
        #expect(call.command == "GC")
        let document = JSONField(try JSONValue(parsing: call.input))
        var kept: [String: [String]] = [:]
        for key in keys {
            kept[key] = try document[key].elements().map { try $0["containerID"].string() ?? "" }
        }
        // Everything else is as the runtime gave it, and the shim is an attachment that can be read.
        #expect(try document["ipam"]["type"].string() == "fake-ipam")
        #expect(try RequestConfiguration(call.input).validAttachments?.allSatisfy { $0.network == "net" } == true)
        return kept
    }

    @Test("GC takes the routes of attachments that are gone, and the shim keeps its lease while one lives")
    func garbage() throws {
        try scene.add(Self.members)
        try addSecond()
        #expect(try collect(living: ["c2"]) == ["cni.dev/valid-attachments": ["c2", HostShim.containerID]])
        #expect(scene.host[name]?.isUp == true && scene.shimRoutes() == ["192.0.2.6/32", "2001:db8::6/128"])
        #expect(scene.programs.commands == ["GC"] && scene.programs.leases.contains(HostShim.containerID))
        let call = try #require(scene.programs.calls.last)
        let kept = try RequestConfiguration(call.input).validAttachments
        #expect(kept?.last == CNI.Attachment(network: "net", containerID: HostShim.containerID, interfaceName: name))
    }

    @Test("GC keeps the lease under either of the keys that runtimes use")
    func garbageKeys() throws {
        try scene.add(Self.members)
        let kept = ["c1", HostShim.containerID]
        let keys = ["cni.dev/valid-attachments", "cni.dev/attachments"]
        #expect(try collect(living: ["c1"], keys: keys) == [keys[0]: kept, keys[1]: kept])
        #expect(try collect(living: ["c1"], keys: [keys[1]]) == [keys[1]: kept])
    }

    @Test("GC removes the shim that nobody uses any more, with its lease")
    func garbageShim() throws {
        try scene.add(Self.members)
        try addSecond()
        #expect(try collect(living: []) == ["cni.dev/valid-attachments": []])
        #expect(scene.host[name] == nil && scene.host.routes.isEmpty)
        #expect(scene.programs.commands == ["DEL", "GC"])
        #expect(!scene.programs.leases.contains(HostShim.containerID))
        let delete = try #require(scene.programs.calls.first)
        #expect(try JSONField(JSONValue(parsing: delete.input))["cni.dev/valid-attachments"].isAbsent)
    }

    @Test("GC that fails at the shim lets it keep its lease: its address is on the host still")
    func garbageFails() throws {
        try scene.add(Self.members)
        for part in ["delete route", "look up link \(name)", "list ipv4 routes through"] {
            scene.log.fail(part, .ioError)
            #expect(throws: (any Error).self) { try collect(living: []) }
            let kept = try kept(["cni.dev/valid-attachments"])
            #expect(kept == ["cni.dev/valid-attachments": [HostShim.containerID]], "\(part)")
        }
    }
}
