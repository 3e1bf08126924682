import CNI
import CNIPlugin
import InterfaceTestSupport
import JSON
import Netlink
import NetworkAddress
import PacketFilter
import PacketFilterSetup

@testable import portmap

/// The portmap plugin on a fake machine: a bridge `cni0` leads to the container, and there are two backends.
struct PortmapScene {
    let runtime: FakeRuntime
    let filters: FakePacketFilters
    let connections: FakeConnectionTracker
    /// What the plugins before made.
    var prevResult: AttachmentResult?

    var log: CallLog { runtime.log }
    var nftables: FakePacketFilter { filters.nftables }
    var iptables: FakePacketFilter { filters.iptables }
    var plugin: PortmapPlugin {
        PortmapPlugin(filters: filters, connections: connections, host: runtime.kernel.host)
    }

    static let owner = RuleOwner(network: "net", containerID: "c1", interfaceName: "eth0")
    static let web = #"{"hostPort":8080,"containerPort":80}"#

    init() throws {
        runtime = try FakeRuntime()
        filters = FakePacketFilters(runtime.log)
        connections = FakeConnectionTracker(runtime.log)
        runtime.host.makeLink(name: "cni0", kind: "bridge", isUp: true)
        for address in ["10.1.0.1/16", "fd00:1::1/64"] { runtime.host.addAddress(address, to: "cni0") }
        prevResult = try Self.result(#""ips":[\#(Self.ipv4),\#(Self.ipv6)]"#)
    }

    static let ipv4 = #"{"address":"10.1.0.5/16","gateway":"10.1.0.1","interface":2}"#
    static let ipv6 = #"{"address":"fd00:1::5/64","gateway":"fd00:1::1","interface":2}"#

    /// A result as bridge gives it, with these members beside `interfaces`.
    static func result(_ members: String) throws -> AttachmentResult {
        let text = """
            {"cniVersion":"1.1.0","interfaces":[{"name":"cni0","mac":"02:00:00:00:00:01"},{"name":"veth1"},
             {"name":"eth0","sandbox":"/run/netns/one"}],\(members)}
            """
        return try AttachmentResult(JSONField(try JSONValue(parsing: Array(text.utf8))), version: .latest)
    }

    /// A configuration with these mappings and these members.
    static func json(_ mappings: String = web, _ members: String = "") -> String {
        #"{"runtimeConfig":{"portMappings":[\#(mappings)]}"# + (members.isEmpty ? "" : ",") + members + "}"
    }

    func request(
        _ mappings: String = web, _ members: String = "", network: String = "net", containerID: String = "c1"
    ) throws -> AttachRequest {
        try runtime.request(
            Self.json(mappings, members), network: network, containerID: containerID, prevResult: prevResult)
    }

    @discardableResult
    func add(
        _ mappings: String = web, _ members: String = "", network: String = "net", containerID: String = "c1"
    ) throws -> AttachmentResult {
        try plugin.add(request(mappings, members, network: network, containerID: containerID))
    }
}
