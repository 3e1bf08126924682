import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// A bridge network in a lab: its configuration, and the plugin called as a runtime calls it.
struct BridgeNetwork {
    let lab: Lab
    var name = "net1"
    var version = "1.0.0"
    /// Keys of the plugin, as JSON members: `"isGateway": true, "mtu": 1400`.
    var keys = #""isDefaultGateway": true"#
    /// The `ipam` object; nil for layer 2 only.
    var ipam: String? = #"{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}], [{"subnet": "fd01::/64"}]]}"#

    static let ipv4 = #"{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}]]}"#

    init(_ lab: Lab) { self.lab = lab }

    /// The configuration; `prevResult` is a JSON text.
    func configuration(_ prevResult: String? = nil, members: String = "") -> String {
        var parts = [#""cniVersion": "\#(version)", "name": "\#(name)", "type": "bridge""#]
        if !keys.isEmpty { parts.append(keys) }
        if let ipam {
            // Every lab has its own leases.
            parts.append(#""ipam": "# + ipam.dropLast() + #", "dataDir": "\#(lab.path("data"))"}"#)
        }
        if let prevResult { parts.append(#""prevResult": "# + prevResult) }
        if !members.isEmpty { parts.append(members) }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    /// A plugin of the lab that answers as an IPAM plugin: `add` is a line of shell for ADD, other commands succeed.
    /// Every call leaves a line in the file `ipam.log`.
    func installIPAM(_ name: String, add: String) throws {
        try lab.write(
            """
            #!/bin/sh
            cat >/dev/null
            echo "$CNI_COMMAND" >>'\(lab.path("ipam.log"))'
            [ "$CNI_COMMAND" = ADD ] || exit 0
            \(add)

            """, to: "plugins/\(name)", executable: true)
    }

    var searchPath: String { "\(lab.path("plugins")):\(Executables.folder)" }

    func call(
        _ command: String, container: Int = 0, prevResult: String? = nil, arguments: String? = nil,
        members: String = "",
        interface: String = "eth0", sandbox: String? = nil, plugin: String = "bridge", searchPath: String? = nil
    ) throws -> Lab.Answer {
        try lab.call(
            plugin, command, configuration(prevResult, members: members),
            sandbox: sandbox ?? lab.containers[container].path,
            containerID: "container-\(container)", interface: interface, arguments: arguments,
            searchPath: searchPath ?? self.searchPath)
    }

    /// ADD that must succeed: what it printed, as text and as a value.
    func add(
        container: Int = 0, arguments: String? = nil, members: String = "", interface: String = "eth0"
    ) throws -> (text: String, result: AttachmentResult) {
        let answer = try call("ADD", container: container, arguments: arguments, members: members, interface: interface)
        return (answer.outcome.outputText, try answer.result())
    }

    /// The leases of the network: file names that are addresses.
    func leases() -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: lab.path("data/\(name)"))) ?? []
        return files.filter { $0.contains(":") || $0.split(separator: ".").count == 4 }.filter { !$0.hasPrefix("last") }
            .sorted()
    }

    /// The links of the host beside `lo`.
    func hostLinks() throws -> [String] {
        try lab.host.links().compactMap(\.ifname).filter { $0 != "lo" }.sorted()
    }
}

/// Fails, and names every difference, unless the state of the lab is what it was.
func expectUnchanged(_ before: LabSnapshot, _ after: LabSnapshot, at location: SourceLocation = #_sourceLocation) {
    let changes = before.changes(to: after)
    #expect(changes.isEmpty, "\(changes)", sourceLocation: location)
}
