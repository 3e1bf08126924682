import CNI
import CNIPlugin
import InterfaceSetup
import InterfaceTestSupport
import JSON

@testable import bridge

/// The bridge plugin on a fake machine.
struct BridgeScene {
    let runtime: FakeRuntime

    var host: FakeNetworkStack { runtime.host }
    var container: FakeNetworkStack { runtime.container }
    var log: CallLog { runtime.log }
    var programs: FakePrograms { runtime.programs }
    var filters: FakePacketFilter { runtime.filters }
    var plugin: BridgePlugin {
        BridgePlugin(kernel: runtime.kernel, programs: runtime.programs, filters: runtime.filters)
    }

    /// - Parameter ipam: what ADD of the IPAM plugin prints.
    init(ipam: String = BridgeScene.oneAddress, hasIPv6: Bool = true, echoesLinks: Bool = true) throws {
        runtime = try FakeRuntime(hasIPv6: hasIPv6, echoesLinks: echoesLinks)
        programs.answers["ADD"] = .prints(ipam)
    }

    static let oneAddress = #"{"cniVersion":"1.1.0","ips":[{"address":"10.1.0.5/16","gateway":"10.1.0.1"}]}"#
    static let dualStack = """
        {"cniVersion":"1.1.0","ips":[{"address":"10.1.0.5/16","gateway":"10.1.0.1"},{"address":"fd00:1::5/64",\
        "gateway":"fd00:1::1"}],"routes":[{"dst":"192.168.0.0/16"},{"dst":"fd00:9::/64","mtu":1300,"priority":7}]}
        """
    static let withIPAM = #"{"ipam":{"type":"fake-ipam"}}"#

    /// A configuration with that IPAM plugin and these members: `"isGateway": true`.
    static func json(_ members: String) -> String {
        members.isEmpty ? withIPAM : #"{"ipam":{"type":"fake-ipam"},"# + members + "}"
    }

    /// ADD with an IPAM plugin and these members.
    @discardableResult
    func add(
        _ members: String = "", version: String = "1.1.0", containerID: String = "c1", interfaceName: String = "eth0",
        network: String = "net", arguments: String = ""
    ) throws -> AttachmentResult {
        try plugin.add(
            runtime.request(
                Self.json(members), version: version, network: network, containerID: containerID,
                interfaceName: interfaceName, arguments: arguments))
    }

    /// The name of the host's end of an attachment's pair.
    func hostLink(containerID: String = "c1", network: String = "net", interfaceName: String = "eth0") -> String {
        HostLinkName.veth(Attachment(network: network, containerID: containerID, interfaceName: interfaceName))
    }
}
