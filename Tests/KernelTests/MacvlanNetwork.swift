import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// A physical network in a lab, and a macvlan network on it.
///
/// The router is a namespace with a bridge `lan`, which is the wire: 192.168.56.1 and fd56::1. The host is on it by
/// `enp0s8`, promiscuous as in the labs of virtual machines, and without an address.
struct MacvlanNetwork {
    let lab: Lab
    /// The last namespace of the lab, which is no container.
    let router: LabNamespace
    var name = "lan1"
    var version = "1.1.0"
    /// Keys of the plugin, as JSON members.
    var keys = #""master": "enp0s8""#
    /// The `ipam` object; nil for layer 2 only.
    var ipam: String? = MacvlanNetwork.ipv4

    static let ipv4 = """
        {"type": "host-local", "subnet": "192.168.56.0/24", "rangeStart": "192.168.56.128", \
        "rangeEnd": "192.168.56.254", "gateway": "192.168.56.1", "routes": [{"dst": "0.0.0.0/0"}]}
        """
    static let dualStack = """
        {"type": "host-local", "ranges": [[{"subnet": "192.168.56.0/24", "rangeStart": "192.168.56.128"}],\
        [{"subnet": "fd56::/64", "rangeStart": "fd56::80"}]], "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}
        """

    init(containers: Int = 1) throws {
        lab = try Lab(containers: containers + 1)
        router = lab.containers[containers]
        try router.shell(
            """
            ip link add lan type bridge
            ip address add 192.168.56.1/24 dev lan; ip address add fd56::1/64 dev lan nodad
            ip link set lan up
            """)
        try connect(lab.host, "enp0s8")
        try lab.host.ip("link", "set", "enp0s8", "promisc", "on")
    }

    /// Puts a link of that name, up, into a namespace; its other end is on the wire.
    func connect(_ namespace: LabNamespace, _ link: String) throws {
        let port = "to-\(namespace.name.suffix(2))"
        try namespace.shell(
            """
            ip link add \(link) type veth peer name \(port) netns \(router.name)
            ip link set \(link) up
            ip -n \(router.name) link set \(port) master lan up
            """)
    }

    /// The router's end of the wire to the host.
    var portOfHost: String { "to-\(lab.host.name.suffix(2))" }

    func configuration(_ prevResult: String? = nil, members: String = "") -> String {
        var parts = [#""cniVersion": "\#(version)", "name": "\#(name)", "type": "macvlan""#]
        if !keys.isEmpty { parts.append(keys) }
        if let ipam { parts.append(#""ipam": "# + ipam.dropLast() + #", "dataDir": "\#(lab.path("data"))"}"#) }
        if let prevResult { parts.append(#""prevResult": "# + prevResult) }
        if !members.isEmpty { parts.append(members) }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    func call(
        _ command: String, container: Int = 0, prevResult: String? = nil, arguments: String? = nil,
        members: String = "", interface: String = "eth0", sandbox: String? = nil, plugin: String = "macvlan",
        searchPath: String? = nil
    ) throws -> Lab.Answer {
        try lab.call(
            plugin, command, configuration(prevResult, members: members),
            sandbox: sandbox ?? lab.containers[container].path, containerID: "container-\(container)",
            interface: interface, arguments: arguments, searchPath: searchPath)
    }

    /// ADD that must succeed: what it printed, as text and as a value.
    func add(
        container: Int = 0, arguments: String? = nil, members: String = "", interface: String = "eth0"
    ) throws -> (text: String, result: AttachmentResult) {
        let answer = try call("ADD", container: container, arguments: arguments, members: members, interface: interface)
        return (answer.outcome.outputText, try answer.result())
    }

    /// DEL of a container that must succeed.
    func delete(container: Int = 0, sandbox: String? = nil) throws {
        let answer = try call("DEL", container: container, sandbox: sandbox)
        #expect(answer.isSuccess, "\(answer)")
    }

    /// The leases of the network: file names that are addresses.
    func leases() -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: lab.path("data/\(name)"))) ?? []
        return files.filter { $0.hasPrefix("192.") || $0.contains(":") }.sorted()
    }

    /// The hardware address that the router has found for an address.
    func macSeenByRouter(_ address: String) throws -> String? {
        try router.neighbours().first { $0.dst == address }?.lladdr
    }

    /// The host's links beside `lo` and the one to the wire.
    func hostLinks() throws -> [String] {
        try lab.host.links().compactMap(\.ifname).filter { !["lo", "enp0s8"].contains($0) }
    }
}
