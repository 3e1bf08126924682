import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// The tuning plugin after bridge in a lab, called as a runtime calls it.
struct TuningNetwork {
    let lab: Lab
    let bridge: BridgeNetwork
    var version = "1.1.0"
    /// Keys of the plugin, as JSON members.
    var keys: String
    /// What bridge printed, for each container.
    let attached: [String]

    /// Attaches every container of the lab.
    init(_ lab: Lab, _ keys: String = "", version: String = "1.1.0") throws {
        self.lab = lab
        self.keys = keys
        self.version = version
        var bridge = BridgeNetwork(lab)
        bridge.version = version
        self.bridge = bridge
        attached = try lab.containers.indices.map { try bridge.add(container: $0).text }
    }

    var data: String { lab.path("tuning") }

    /// The folder of backups, as it is: file names, sorted.
    var backups: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: data)) ?? []).sorted() }

    /// - Parameter prevResult: nil stands for what bridge printed.
    func configuration(container: Int = 0, prevResult: String? = nil, members: String = "") -> String {
        var parts = [
            #""cniVersion": "\#(version)", "name": "net1", "type": "tuning", "dataDir": "\#(data)""#,
            #""prevResult": "# + (prevResult ?? attached[container]),
        ]
        parts += [keys, members].filter { !$0.isEmpty }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    func call(
        _ command: String, container: Int = 0, prevResult: String? = nil, members: String = "",
        arguments: String? = nil, plugin: String = "tuning", sandbox: String? = nil,
        variables: [String: String] = [:]
    ) throws -> Lab.Answer {
        try lab.call(
            plugin, command, configuration(container: container, prevResult: prevResult, members: members),
            sandbox: sandbox ?? lab.containers[container].path, containerID: "container-\(container)",
            arguments: arguments, variables: variables)
    }

    /// A script that runs the plugin where the host's allow-list has these lines.
    func plugin(allowing lines: String) throws -> String {
        let list = try lab.write(lines, to: "allowlist.conf")
        // Nothing else of /etc is needed, and so nothing of the machine's need be there.
        return try lab.write(
            """
            #!/bin/sh
            exec unshare --mount sh -ec '
                mount -t tmpfs tmpfs /etc
                mkdir -p /etc/cni/tuning
                cat "\(list)" >/etc/cni/tuning/allowlist.conf
                exec "\(Executables.path(of: "tuning"))"'

            """, to: "plugins/tuning-with-list", executable: true)
    }

    /// The container's interface, as the kernel has it.
    func link(container: Int = 0) throws -> State {
        let link = try #require(try lab.containers[container].link("eth0"))
        return State(
            mac: link.address, mtu: link.mtu, isPromiscuous: link.isPromiscuous,
            isAllMulticast: link.flags?.contains("ALLMULTI") ?? false, txqlen: link.txqlen)
    }

    struct State: Equatable {
        var mac: String?
        var mtu: Int?
        var isPromiscuous: Bool
        var isAllMulticast: Bool
        var txqlen: Int?
    }
}
