import CNI
import CNIPlugin
import InterfaceTestSupport
import JSON
import Netlink
import NetworkAddress
import SystemPackage
import Testing

@testable import loopback

@Suite("LoopbackPlugin")
struct LoopbackPluginTests {
    private let runtime: FakeRuntime
    private var plugin: LoopbackPlugin { LoopbackPlugin(kernel: runtime.kernel) }
    private var container: FakeNetworkStack { runtime.container }

    init() throws {
        runtime = try FakeRuntime()
        runtime.container.addAddress("127.0.0.1/8", to: "lo")
        runtime.container.addAddress("::1/128", to: "lo")
    }

    @Test("ADD brings lo up, whatever interface name the runtime passes, and lists its addresses")
    func add() throws {
        let result = try plugin.add(runtime.request(interfaceName: "eth7"))
        #expect(container["lo"]?.isUp == true)
        #expect(result.interfaces.map(\.name) == ["lo"])
        #expect(result.interfaces.map(\.sandbox) == [runtime.sandbox.path])
        #expect(result.interfaces.map(\.mac) == ["00:00:00:00:00:00"])
        #expect(result.ips.map(\.address.description) == ["127.0.0.1/8", "::1/128"])
        #expect(result.ips.map(\.interface) == [0, 0])
    }

    @Test("addresses on lo that are not the loopback's are left out of the result")
    func otherAddresses() throws {
        container.addAddress("10.9.9.9/32", to: "lo")
        #expect(try plugin.add(runtime.request()).ips.map(\.address.description) == ["127.0.0.1/8", "::1/128"])
    }

    @Test("the result can be told in every version", arguments: SpecificationVersion.allCases)
    func versions(version: SpecificationVersion) throws {
        let json = try plugin.add(runtime.request(version: version.rawValue)).json(version: version)
        guard case .object(let object) = json else {
            Issue.record("the result is no object")
            return
        }
        #expect(object["cniVersion"] == .string(version.rawValue))
        #expect((object["ips"] == nil) == (version < .v0_3_0))
        #expect((object["ip4"] == nil) == (version >= .v0_3_0))
    }

    @Test("prevResult is passed through")
    func passesThrough() throws {
        let prevResult = AttachmentResult(
            interfaces: [.init(name: "eth0", mac: "02:00:00:00:00:01", sandbox: "/run/netns/one")],
            ips: [.init(interface: 0, address: try #require(IPPrefix("10.1.0.5/16")))], unknown: ["custom": 1])
        #expect(try plugin.add(runtime.request(prevResult: prevResult)) == prevResult)
        #expect(container["lo"]?.isUp == true)
    }

    @Test("ADD that fails leaves lo as it was", arguments: [false, true], 1...4)
    func rollback(wasUp: Bool, number: Int) throws {
        container["lo"]?.isUp = wasUp
        // The kernel itself gives lo its addresses when it comes up, and takes ::1 when it goes down.
        if !wasUp { container.removeAddresses(of: "lo") }
        let before = runtime.kernel.snapshot
        runtime.log.fail(call: number, .notPermitted)
        #expect(throws: (any Error).self) { try plugin.add(runtime.request()) }
        #expect(runtime.log.calls.count >= number)
        #expect(runtime.kernel.snapshot == before)
    }

    @Test("DEL brings lo down, twice without complaint")
    func delete() throws {
        let request = try runtime.request()
        _ = try plugin.add(request)
        try plugin.delete(runtime.detaching(request))
        #expect(container["lo"]?.isUp == false)
        try plugin.delete(runtime.detaching(request))
    }

    @Test("DEL without a sandbox, and in one without lo, is no error")
    func deleteNothing() throws {
        let request = try runtime.request()
        try plugin.delete(runtime.detaching(request, hasSandbox: false))
        #expect(runtime.log.calls.isEmpty)
        container.remove(try #require(container["lo"]).index)
        try plugin.delete(runtime.detaching(request))
    }

    @Test("DEL that the kernel refuses says so")
    func deleteRefused() throws {
        let request = try runtime.request()
        runtime.log.fail("change link lo", .notPermitted)
        #expect(
            failure { try plugin.delete(runtime.detaching(request)) } == "cannot change link lo: \(Errno.notPermitted)")
    }

    @Test("CHECK is content after ADD")
    func check() throws {
        let result = try plugin.add(runtime.request())
        try plugin.check(runtime.request(prevResult: result))
    }

    @Test("CHECK says when lo is down, gone or without its address")
    func broken() throws {
        let result = try plugin.add(runtime.request())
        let request = try runtime.request(prevResult: result)
        container.removeAddresses(of: "lo")
        #expect(failure { try plugin.check(request) } == "lo in the sandbox lacks the address 127.0.0.1/8")
        container["lo"]?.isUp = false
        #expect(failure { try plugin.check(request) } == "lo in the sandbox is down")
        container.remove(try #require(container["lo"]).index)
        #expect(failure { try plugin.check(request) } == "the sandbox has no link lo")
    }
}
