import CNI
import CNIPlugin
import Foundation
import InterfaceSetup
import InterfaceTestSupport
import Netlink
import NetworkAddress

@testable import macvlan

/// The macvlan plugin on a fake machine, whose uplink is `eth0`. The container's interface is `net1`.
struct MacvlanScene {
    let runtime: FakeRuntime
    private let lockFolder = LockFolder()

    var host: FakeNetworkStack { runtime.host }
    var container: FakeNetworkStack { runtime.container }
    var log: CallLog { runtime.log }
    var programs: FakePrograms { runtime.programs }
    var plugin: MacvlanPlugin { plugin(lockFolder: lockFolder.path) }

    func plugin(lockFolder: String) -> MacvlanPlugin {
        MacvlanPlugin(kernel: runtime.kernel, programs: runtime.programs, lockFolder: lockFolder)
    }

    /// - Parameter ipam: what ADD of the IPAM plugin prints for a container.
    /// - Parameter shim: what it prints for the host.
    init(
        ipam: String = MacvlanScene.oneAddress, shim: String = MacvlanScene.hostDualStack, hasIPv6: Bool = true,
        echoesLinks: Bool = true
    ) throws {
        runtime = try FakeRuntime(hasIPv6: hasIPv6, echoesLinks: echoesLinks)
        programs.answers["ADD"] = .prints(ipam)
        programs.answersForContainers[HostShim.containerID] = ["ADD": .prints(shim)]
    }

    static let oneAddress = #"{"cniVersion":"1.1.0","ips":[{"address":"192.0.2.5/24","gateway":"192.0.2.1"}]}"#
    static let dualStack = """
        {"cniVersion":"1.1.0","ips":[{"address":"192.0.2.5/24","gateway":"192.0.2.1"},{"address":"2001:db8::5/64",\
        "gateway":"2001:db8::1"}],"routes":[{"dst":"0.0.0.0/0"},{"dst":"2001:db8:9::/64","mtu":1300,"priority":7}]}
        """
    static let hostOneAddress = #"{"cniVersion":"1.1.0","ips":[{"address":"192.0.2.200/24"}]}"#
    static let hostDualStack =
        #"{"cniVersion":"1.1.0","ips":[{"address":"192.0.2.200/24"},{"address":"2001:db8::200/64"}]}"#

    /// A configuration with the uplink as master, an IPAM plugin and these members: `"mode": "vepa"`, which come last
    /// and so count more.
    static func json(_ members: String = "") -> String {
        let all = [#""master":"eth0""#, #""ipam":{"type":"fake-ipam"}"#] + (members.isEmpty ? [] : [members])
        return "{\(all.joined(separator: ","))}"
    }

    /// A request for ADD or CHECK with an IPAM plugin and these members.
    func request(
        _ members: String = "", version: String = "1.1.0", containerID: String = "c1", network: String = "net",
        arguments: String = "", prevResult: AttachmentResult? = nil, sandbox: Sandbox? = nil
    ) throws -> AttachRequest {
        try runtime.request(
            Self.json(members), version: version, network: network, containerID: containerID, interfaceName: "net1",
            arguments: arguments, prevResult: prevResult, sandbox: sandbox)
    }

    /// ADD with an IPAM plugin and these members.
    @discardableResult
    func add(
        _ members: String = "", version: String = "1.1.0", containerID: String = "c1", network: String = "net",
        arguments: String = "", prevResult: AttachmentResult? = nil, sandbox: Sandbox? = nil
    ) throws -> AttachmentResult {
        try plugin.add(
            request(
                members, version: version, containerID: containerID, network: network, arguments: arguments,
                prevResult: prevResult, sandbox: sandbox))
    }

    /// The DEL that follows such an ADD.
    func delete(
        _ members: String = "", containerID: String = "c1", network: String = "net", sandbox: Sandbox? = nil,
        hasSandbox: Bool = true
    ) throws {
        try plugin.delete(
            runtime.detaching(
                request(members, containerID: containerID, network: network, sandbox: sandbox), hasSandbox: hasSandbox))
    }

    /// The name of a network's host shim.
    func shim(network: String = "net") -> String { HostLinkName.shim(network: network) }

    /// The routes of the host by the shim, without the metrics that mark them, sorted.
    func shimRoutes(network: String = "net") -> [String] {
        guard let index = host[shim(network: network)]?.index else { return [] }
        return host.state.routes.filter { $0.nextHops.contains { $0.link == index } }.map(\.destination.description)
            .sorted()
    }

    /// Puts a default route on the host, or in the container.
    static func addDefaultRoute(
        _ stack: FakeNetworkStack, by name: String, _ family: AddressFamily = .ipv4, metric: UInt32? = nil
    ) {
        guard let link = stack[name] else { return }
        stack.addRoute(
            Route(
                destination: .everything(family), nextHops: [Route.NextHop(link: link.index)], priority: metric))
    }
}

/// Where the lock of host shims is, for one test.
private final class LockFolder {
    let path = FileManager.default.temporaryDirectory.appending(path: "macvlan-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
