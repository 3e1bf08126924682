import CNI
import InterfaceSetup
import InterfaceTestSupport
import JSON
import LinuxSystem
import Netlink
import NetworkAddress
import Testing

@Suite("SandboxInterface")
struct SandboxInterfaceTests {
    private let runtime: FakeRuntime
    private let link: Link
    private var stack: FakeNetworkStack { runtime.container }
    private var interface: SandboxInterface {
        SandboxInterface(link, in: runtime.sandbox, stack: runtime.container, kernel: runtime.kernel)
    }

    init() throws {
        runtime = try FakeRuntime()
        link = runtime.container.makeLink(name: "eth0", kind: "veth")
    }

    private func plan(_ text: String) throws -> AddressPlan {
        AddressPlan(
            try AttachmentResult(JSONField(JSONValue(parsing: Array(text.utf8))), version: .latest), interface: nil)
    }

    private static let dualStack = """
        {"ips":[{"address":"10.1.0.5/16","gateway":"10.1.0.1"},{"address":"fd00:1::5/64","gateway":"fd00:1::1"}],
         "routes":[{"dst":"0.0.0.0/0","mtu":1400,"priority":3},{"dst":"fd00:9::/64"}]}
        """

    private static func options(
        _ ipv6: SandboxInterface.Options.IPv6 = .givenAddressesOnly, detectsDuplicates: Bool = false
    ) -> SandboxInterface.Options {
        .init(ipv6: ipv6, announcesAddresses: ipv6 == .givenAddressesOnly, detectsDuplicates: detectsDuplicates)
    }

    private func attach(_ plan: AddressPlan, _ options: SandboxInterface.Options = Self.options()) throws {
        try interface.bringUp(options)
        try interface.configure(plan, options)
    }

    @Test("sysctls come first, then the link is brought up without IPv6, then addresses and routes follow")
    func order() throws {
        try attach(plan(Self.dualStack))
        #expect(
            runtime.log.calls == [
                "sandbox: write net/ipv6/conf/eth0/accept_ra = 0", "sandbox: write net/ipv6/conf/eth0/autoconf = 0",
                "sandbox: write net/ipv4/conf/eth0/arp_notify = 1",
                "sandbox: write net/ipv6/conf/eth0/ndisc_notify = 1",
                "sandbox: write net/ipv6/conf/eth0/disable_ipv6 = 1", "sandbox: change link eth0: up",
                "sandbox: write net/ipv6/conf/eth0/disable_ipv6 = 0", "sandbox: add address 10.1.0.5/16 to eth0",
                "sandbox: add address fd00:1::5/64 to eth0",
                "sandbox: add route 0.0.0.0/0 via 10.1.0.1 mtu 1400 metric 3",
                "sandbox: add route fd00:9::/64 via fd00:1::1",
            ])
        #expect(stack.state.addresses[link.index]?.last?.skipsDuplicateDetection == true)
        #expect(stack.state.addresses[link.index]?.last?.isTentative == false)
    }

    @Test("a route that another link has already stays, and is as good")
    func routeOfAnotherLink() throws {
        let other = stack.makeLink(name: "eth9", kind: "veth", isUp: true)
        stack.addAddress("10.9.0.5/16", to: "eth9")
        let gateway = try #require(IPAddress("10.9.0.1") as IPAddress?)
        let first = Route(destination: .everything(.ipv4), nextHops: [.init(gateway: gateway, link: other.index)])
        try stack.add(first)
        let plan = try plan(
            #"{"ips":[{"address":"10.1.0.5/16","gateway":"10.1.0.1"}],"routes":[{"dst":"0.0.0.0/0"}]}"#)
        try attach(plan)
        #expect(stack.state.routes == [first])
        try interface.check(plan)
        _ = try stack.delete(first)
        #expect(throws: CNIError.self) { try interface.check(plan) }
    }

    @Test("IPv4 addresses are the only ones: IPv6 is off")
    func onlyIPv4() throws {
        try attach(plan(#"{"ips":[{"address":"10.1.0.5/16"}]}"#))
        #expect(stack.sysctl(Sysctl("ipv6", "conf", "eth0", "disable_ipv6")) == "1")
        #expect(stack.sysctl(Sysctl("ipv6", "conf", "eth0", "accept_ra")) == "0")
    }

    @Test("without addresses the kernel's defaults stay, or IPv6 is off, as the options say")
    func withoutAddresses() throws {
        try attach(plan("{}"), Self.options(.kernelDefaults))
        #expect(runtime.log.calls == ["sandbox: change link eth0: up"])
        try attach(plan("{}"), Self.options(.none))
        #expect(stack.sysctl(Sysctl("ipv6", "conf", "eth0", "disable_ipv6")) == "1")
        #expect(stack.sysctl(Sysctl("ipv6", "conf", "eth0", "accept_ra")) == "1")
    }

    @Test("duplicate address detection is waited for, and a duplicate is an error")
    func duplicates() throws {
        let plan = try plan(Self.dualStack)
        stack.foreignAddresses = [try #require(IPAddress("fd00:1::5"))]
        #expect(throws: CNIError(.failed, "another machine on the network has the address fd00:1::5")) {
            try attach(plan, Self.options(detectsDuplicates: true))
        }
        stack.foreignAddresses = []
        stack.removeAddresses(of: "eth0")
        try attach(plan, Self.options(detectsDuplicates: true))
        #expect(stack.state.addresses[link.index]?.contains(where: \.isTentative) == false)
        #expect(stack.addresses("eth0") == ["10.1.0.5/16", "fd00:1::5/64"])
    }

    @Test("addresses are announced by setting the hardware address to what it is; without addresses nothing is")
    func announcing() throws {
        try interface.announce(plan(Self.dualStack))
        #expect(runtime.log.calls == ["sandbox: change link eth0: MAC"])
        #expect(stack["eth0"]?.mac == link.mac)
        try interface.announce(plan("{}"))
        #expect(runtime.log.calls.count == 1)
    }

    @Test("CHECK is content with what configuring made, and says what is missing or different")
    func check() throws {
        let plan = try plan(Self.dualStack)
        try attach(plan)
        try interface.check(plan)
        let routes = stack.state.routes
        func broken(_ change: (inout Route) -> Void) -> String? {
            stack.removeRoutes()
            var first = routes[0]
            change(&first)
            stack.addRoute(first)
            stack.addRoute(routes[1])
            do { try interface.check(plan) } catch { return "\(error)" }
            return nil
        }
        #expect(broken { _ in } == nil)
        let lacks = "the sandbox lacks the route 0.0.0.0/0 via 10.1.0.1 mtu 1400 metric 3"
        #expect(broken { $0.mtu = 1300 } == lacks)
        #expect(broken { $0.priority = 4 } == lacks)
        #expect(broken { $0.table = 9 } == lacks)
        #expect(broken { $0.nextHops[0].gateway = nil } == lacks)
        stack.removeAddresses(of: "eth0")
        #expect(throws: CNIError(.failed, "eth0 in the sandbox lacks the address 10.1.0.5/16; it has none")) {
            try interface.check(plan)
        }
        stack.addAddress("10.1.0.6/16", to: "eth0")
        #expect(throws: CNIError(.failed, "eth0 in the sandbox lacks the address 10.1.0.5/16; it has 10.1.0.6/16")) {
            try interface.check(plan)
        }
    }

    @Test("CHECK compares the scope of an IPv4 route and the announced segment size")
    func checkDetails() throws {
        let plan = try plan(
            #"{"ips":[{"address":"10.1.0.5/16"}],"routes":[{"dst":"10.9.0.0/16","scope":253,"advmss":1000}]}"#)
        try attach(plan)
        try interface.check(plan)
        var route = try #require(stack.state.routes.first)
        route.scope = 0
        stack.removeRoutes()
        stack.addRoute(route)
        #expect(throws: CNIError.self) { try interface.check(plan) }
        route.scope = 253
        route.advmss = 900
        stack.removeRoutes()
        stack.addRoute(route)
        #expect(throws: CNIError.self) { try interface.check(plan) }
    }
}
