import CNI
import CNIRuntime
import JSON
import NetworkAddress
import Testing

@testable import CNINetworks

@Suite struct NetworkOutlineTests {
    private func outline(_ plugin: String) throws -> NetworkOutline {
        let text = #"{"cniVersion": "1.0.0", "name": "net", "plugins": [\#(plugin)]}"#
        return NetworkOutline(try NetworkConfigurationList(JSONField(try JSONValue(parsing: Array(text.utf8)))))
    }

    @Test func `a bridge without a name is cni0, and old-style ranges count`() throws {
        let outline = try outline(
            #"{"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.1.0.0/24", "rangeStart": "10.1.0.100"}}"#)
        #expect(outline.bridge == "cni0")
        #expect(outline.leaseFolder == "/var/lib/cni/networks")
        #expect(
            outline.ranges.map { "\($0.addresses.lowerBound) \($0.addresses.upperBound)" } == ["10.1.0.100 10.1.0.254"])
    }

    @Test(arguments: [
        #"{"type": "loopback"}"#, #"{"type": "macvlan", "ipam": {"type": "dhcp", "subnet": "10.1.0.0/24"}}"#,
        #"{"type": "macvlan", "ipam": 7}"#,
        #"{"type": "macvlan", "ipam": {"type": "host-local", "ranges": [[{"subnet": "x"}]]}}"#,
        #"{"type": "macvlan", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/24", "rangeStart": "fd00::1"}]]}}"#,
    ])
    func `what hands nothing out has no ranges`(plugin: String) throws {
        #expect(try outline(plugin).ranges == [])
        #expect(try outline(plugin).bridge == nil)
    }

    @Test(arguments: [
        ("10.1.0.0/28", #"["10.1.0.4/30", "10.1.0.5", "10.1.0.14", "10.1.0.1"]"#, UInt128(8)),
        ("10.1.0.0/24", "[]", 253), ("fd00::/64", #"["fd00::/65"]"#, 1 << 63),
    ])
    func `the gateway and what is excluded are not free`(subnet: String, exclude: String, capacity: UInt128) throws {
        let outline = try outline(
            #"{"type": "bridge", "ipam": {"type": "host-local", "ranges": [[{"subnet": "\#(subnet)", "exclude": \#(exclude)}]]}}"#
        )
        #expect(outline.ranges.map(\.capacity) == [capacity])
    }

    @Test(arguments: [
        ("10.1.0.5", true), ("fd00::5", true), ("last_reserved_ip.0", true), ("lock", true), (".10.1.0.5.new", true),
        (".last_reserved_ip.0.new", true), ("notes", false), ("10.1.0", false), (".index", false),
    ])
    func `only host-local's files are leases`(name: String, isLease: Bool) {
        #expect(LeaseFiles.isHostLocals(name) == isLease)
    }
}
