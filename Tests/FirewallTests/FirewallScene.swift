import CNI
import CNIPlugin
import InterfaceTestSupport
import JSON
import Netlink
import NetworkAddress
import PacketFilter
import PacketFilterSetup

@testable import firewall

/// The firewall plugin on a fake machine: a bridge `cni0` whose port leads to the container, and there are two backends.
struct FirewallScene {
    let runtime: FakeRuntime
    let filters: FakePacketFilters
    /// The port of the bridge.
    let port: Link
    /// What the plugins before made.
    var prevResult: AttachmentResult?
    let firewalld: FakeFirewalld

    var log: CallLog { runtime.log }
    var nftables: FakePacketFilter { filters.nftables }
    var iptables: FakePacketFilter { filters.iptables }
    var plugin: FirewallPlugin {
        FirewallPlugin(filters: filters, kernel: runtime.kernel, firewalld: firewalld)
    }
    var isPortIsolated: Bool? { runtime.host[port.name]?.port?.isIsolated }

    static let owner = RuleOwner(network: "net", containerID: "c1", interfaceName: "eth0")
    static let ipv4 = #"{"address":"10.1.0.5/16","gateway":"10.1.0.1","interface":2}"#
    static let ipv6 = #"{"address":"fd00:1::5/64","gateway":"fd00:1::1","interface":2}"#
    static let links = #"{"name":"cni0","mac":"02:00:00:00:00:01"},{"name":"veth1"},{"name":"eth0","sandbox":"/x"}"#

    init() throws {
        runtime = try FakeRuntime()
        filters = FakePacketFilters(runtime.log)
        firewalld = FakeFirewalld(runtime.log)
        let bridge = runtime.host.makeLink(name: "cni0", kind: "bridge", isUp: true)
        let peer = VethPeer(name: "eth0", namespace: runtime.sandbox.namespace)
        let made = try runtime.host.add(NewLink(name: "veth1", kind: .veth(peer), master: bridge.index))
        port = made ?? bridge
        prevResult = try Self.result(#""ips":[\#(Self.ipv4),\#(Self.ipv6)]"#)
        log.clear()
    }

    /// A result with these members beside `interfaces`.
    static func result(_ members: String = #""ips":[]"#, links: String = links) throws -> AttachmentResult {
        let text = #"{"cniVersion":"1.1.0","interfaces":[\#(links)],\#(members)}"#
        return try AttachmentResult(JSONField(try JSONValue(parsing: Array(text.utf8))), version: .latest)
    }

    func request(
        _ keys: String = "{}", network: String = "net", containerID: String = "c1"
    ) throws -> AttachRequest {
        try runtime.request(keys, network: network, containerID: containerID, prevResult: prevResult)
    }

    @discardableResult
    func add(
        _ keys: String = "{}", network: String = "net", containerID: String = "c1"
    ) throws -> AttachmentResult {
        try plugin.add(request(keys, network: network, containerID: containerID))
    }
}
