import CNI
import CNIPlugin
import InterfaceTestSupport
import LinuxSystem
import Netlink
import NetworkAddress
import SystemPackage
import Testing

@testable import bridge

@Suite("BridgePlugin, ADD that fails")
struct BridgeRollbackTests {
    /// Where ADD starts from.
    enum Start: String, CaseIterable, Sendable {
        case nothing, oldKernel, bridgeInTheWay

        func scene() throws -> BridgeScene {
            let scene = try BridgeScene(ipam: BridgeScene.dualStack, echoesLinks: self != .oldKernel)
            guard self == .bridgeInTheWay else { return scene }
            scene.host.makeLink(name: "cni0", kind: "bridge", bridge: BridgeSettings(filtersVLANs: true))
            scene.host.set(Sysctl("ipv6", "conf", "cni0", "disable_ipv6"), "1")
            for address in ["10.9.0.1/16", "10.9.0.2/16"] { scene.host.addAddress(address, to: "cni0") }
            return scene
        }
    }

    /// What is configured: everything that can go together.
    static let members = [
        #""isDefaultGateway":true,"forceAddress":true,"promiscMode":true,"portIsolation":true,"mtu":1400,"ipMasq":true"#,
        #""isDefaultGateway":true,"vlan":100,"preserveDefaultVlan":false,"hairpinMode":true,"enabledad":true,"ipspoofchk":true"#,
    ]

    /// Every call of an ADD fails once, with each of these errors.
    private static let errors: [Errno] = [.notPermitted, .noMemory, .resourceBusy, .ioError]

    @Test(
        "whichever call fails, the error names the operation, and all is as it was", arguments: Start.allCases, members)
    func everyCall(start: Start, members: String) throws {
        let untouched = try start.scene()
        try untouched.add(members)
        let calls = untouched.log.calls
        #expect(calls.count > 25)

        for number in 1...calls.count {
            for errno in Self.errors {
                let scene = try start.scene()
                let before = scene.runtime.kernel.snapshot
                scene.log.fail(call: number, errno)
                let message = failure { try scene.add(members) }
                let call = "call \(number) (\(calls[number - 1])) failing with \(errno)"
                guard let message else {
                    Issue.record("\(call): ADD succeeded")
                    continue
                }
                #expect(names(calls[number - 1], in: message), "\(call): \(message)")
                #expect(message.contains("\(errno)"), "\(call): \(message)")
                #expect(scene.log.calls[number - 1] == calls[number - 1], "\(call): another call at its place")
                let after = withoutForwarding(scene.runtime.kernel.snapshot)
                #expect(after == withoutForwarding(before), "\(call): \(differences(before, after))")
                #expect(scene.programs.leases.isEmpty, "\(call)")
                #expect(scene.filters.state == FakePacketFilter.State(), "\(call)")
                #expect(scene.programs.commands == [] || scene.programs.commands == ["ADD", "DEL"], "\(call)")
            }
        }
    }

    /// Whether the message tells what was tried: the call without its place and details.
    private func names(_ call: String, in message: String) -> Bool {
        let operation = call.drop { $0 != ":" }.dropFirst(2)
        if operation.hasPrefix("write ") {
            return message.contains("cannot set \(operation.dropFirst(6).prefix { $0 != " " }) to ")
        }
        let words = operation.prefix { $0 != ":" }
        let plain =
            words.hasPrefix("add link")
            ? words.split(separator: " ").prefix(3).joined(separator: " ") : String(operation)
        return message.contains("cannot \(words)") || message.contains("cannot \(plain)")
            || message.contains("cannot \(operation)")
    }

    /// Forwarding is the last step; other networks may come to rely on it at once, so that it stays.
    private func withoutForwarding(_ states: [FakeNetworkStack.State]) -> [FakeNetworkStack.State] {
        states.map { state in
            var state = state
            state.sysctls["ipv4/ip_forward"] = nil
            state.sysctls["ipv6/conf/all/forwarding"] = nil
            return state
        }
    }

    private func differences(_ before: [FakeNetworkStack.State], _ after: [FakeNetworkStack.State]) -> String {
        zip(before, after).map { before, after in
            let links = after.links.values.filter { before.links[$0.index] != $0 }.map(\.name)
            let sysctls = after.sysctls.filter { before.sysctls[$0.key] != $0.value }
            return
                "links \(links), addresses \(after.addresses.mapValues { $0.map(\.prefix.description) }), sysctls \(sysctls)"
        }.joined(separator: "; ")
    }

    @Test("forwarding that could be turned on for one family only is turned off again")
    func forwardingStays() throws {
        let scene = try Start.nothing.scene()
        scene.log.fail("write net/ipv6/conf/all/forwarding", .notPermitted)
        #expect(
            failure { try scene.add(Self.members[0]) }?.contains("cannot set net/ipv6/conf/all/forwarding to 1") == true
        )
        #expect(scene.host.sysctl(Sysctl("ipv4", "ip_forward")) == "0")
        #expect(scene.host["cni0"] == nil)
    }

    @Test(
        "when IPAM fails, its DEL has run once and all is as it was",
        arguments: [
            (
                "no JSON", FakePrograms.Answer.prints("garbage"),
                "fake-ipam answered ADD with something that is no result"
            ),
            ("nothing", .prints(""), "fake-ipam answered ADD with something that is no result"),
            ("no addresses", .prints(#"{"cniVersion":"1.1.0"}"#), "ipam: fake-ipam gave no address"),
            (
                "a bad address", .prints(#"{"ips":[{"address":"10.1.0.5"}]}"#),
                "ips[0].address: expected an address with prefix length"
            ),
            (
                "a gateway outside", .prints(#"{"ips":[{"address":"10.1.0.5/16","gateway":"10.2.0.1"}]}"#),
                "isGateway: expected a gateway inside"
            ),
            (
                "an error",
                .fails(status: 1, #"{"cniVersion":"1.1.0","code":11,"msg":"pool exhausted","details":"10.1.0.0/16"}"#),
                "pool exhausted: 10.1.0.0/16"
            ),
            (
                "exit status", .fails(status: 3, "oops"),
                #"fake-ipam failed on ADD with exit status 3 and no error of its own: it printed "oops""#
            ),
            ("a signal", .isKilled(signal: 9), "fake-ipam was ended by signal 9 on ADD"),
            ("a flood", .printsTooMuch, "fake-ipam printed too much on ADD: more than 8388608 bytes"),
        ])
    func ipam(name: String, answer: FakePrograms.Answer, message: String) throws {
        let scene = try BridgeScene()
        scene.programs.answers["ADD"] = answer
        let before = scene.runtime.kernel.snapshot
        let found = try #require(failure { try scene.add(#""isGateway":true"#) })
        #expect(found.contains(message), "\(found)")
        #expect(scene.runtime.kernel.snapshot == before)
        #expect(scene.programs.commands == ["ADD", "DEL"])
        #expect(scene.programs.leases.isEmpty)
    }

    @Test("IPAM's own error code is passed on")
    func code11() throws {
        let scene = try BridgeScene()
        scene.programs.answers["ADD"] = .fails(status: 1, #"{"code":11,"msg":"pool exhausted"}"#)
        #expect(code { try scene.add() } == 11)
    }

    @Test("an IPAM plugin that is missing or cannot be run is named before anything is made")
    func missing() throws {
        let scene = try BridgeScene()
        let before = scene.runtime.kernel.snapshot
        scene.programs.answers["ADD"] = .cannotStart(.permissionDenied)
        #expect(
            failure { try scene.add() }?.contains("cannot run /opt/cni/bin/fake-ipam: \(Errno.permissionDenied)")
                == true)
        scene.programs.installed = []
        #expect(
            failure { try scene.add() }?.contains(#"failed to find plugin "fake-ipam" in CNI_PATH "/opt/cni/bin""#)
                == true)
        #expect(code { try scene.add() } == 101)
        #expect(scene.runtime.kernel.snapshot == before)
        #expect(scene.programs.commands == ["ADD"])
    }

    @Test("an IPAM plugin whose DEL fails too does not hide why ADD failed")
    func deleteFailsToo() throws {
        let scene = try BridgeScene()
        scene.programs.answers["ADD"] = .isKilled(signal: 9)
        scene.programs.answers["DEL"] = .fails(status: 1, #"{"code":5,"msg":"disk gone"}"#)
        #expect(failure { try scene.add() } == "fake-ipam was ended by signal 9 on ADD")
    }

    @Test(
        "an ADD that fails leaves alone the bridge that it made and another ADD has joined meanwhile",
        arguments: [
            #""isGateway":true"#, #""isGateway":true,"vlan":100"#,
        ])
    func joined(members: String) throws {
        let scene = try BridgeScene()
        let second = try scene.runtime.kernel.makeSandbox("/run/netns/two")
        let request = try scene.runtime.request(BridgeScene.json(members), containerID: "c2", sandbox: second.sandbox)
        // When the first container's routes are set, the second attaches; then the first fails.
        var hasJoined = false
        var message: String?
        defer { scene.log.clear() }
        scene.log.failure = { _, call in
            guard call == "sandbox: change link eth0: MAC", !hasJoined else { return nil }
            hasJoined = true
            message = failure { try scene.plugin.add(request) }
            return .noMemory
        }
        #expect(failure { try scene.add(members) } != nil)
        #expect(message == nil)
        let name = members.contains("vlan") ? "cni0.100" : "cni0"
        #expect(scene.host["cni0"]?.isUp == true && scene.host[name]?.isUp == true)
        #expect(scene.host.addresses(name) == ["10.1.0.1/16"])
        #expect(scene.host[scene.hostLink()] == nil && scene.host[scene.hostLink(containerID: "c2")] != nil)
        #expect(scene.programs.leases == ["c2"])
    }

    @Test("a bridge that was down goes down again, unless another ADD has joined meanwhile", arguments: [false, true])
    func bridgeThatWasDown(joins: Bool) throws {
        let scene = try BridgeScene()
        let bridge = scene.host.makeLink(name: "cni0", kind: "bridge")
        scene.host.makeLink(name: "old", kind: "veth", master: bridge.index)
        defer { scene.log.clear() }
        scene.log.failure = { _, call in
            guard call == "sandbox: change link eth0: MAC" else { return nil }
            if joins { scene.host.makeLink(name: "new", kind: "veth", master: bridge.index) }
            return .noMemory
        }
        #expect(failure { try scene.add() } != nil)
        #expect(scene.host["cni0"]?.isUp == joins)
    }
}
