import CNI
import Foundation
import JSON
import NetworkAddress
import TestSupport
import Testing

/// A bridge network with VLANs in a lab, called as a runtime would.
struct VLANNetwork {
    let lab: Lab
    var bridge = "br0"
    var ranges = #"[{"subnet": "10.7.0.0/24"}]"#
    var routes = "[]"

    /// The configuration: `keys` are further keys of the bridge plugin, such as `"vlan": 10`.
    func configuration(_ keys: String, prevResult: JSONValue? = nil) -> String {
        let prevResult = prevResult.map { ", \"prevResult\": " + String(decoding: $0.text(), as: UTF8.self) } ?? ""
        return """
            {"cniVersion": "1.1.0", "name": "net", "type": "bridge", "bridge": "\(bridge)", \(keys),
             "ipam": {"type": "host-local", "dataDir": "\(lab.path("leases"))", "ranges": [\(ranges)],
              "routes": \(routes)}\(prevResult)}
            """
    }

    func call(_ command: String, _ keys: String, container number: Int = 0, prevResult: JSONValue? = nil) throws
        -> Lab.Answer
    {
        try lab.call(
            "bridge", command, configuration(keys, prevResult: prevResult), sandbox: lab.containers[number].path,
            containerID: "container-\(number)")
    }

    /// ADD, which must succeed.
    func add(_ keys: String, container number: Int = 0) throws -> Attached {
        let answer = try call("ADD", keys, container: number)
        let result = try answer.result()
        return Attached(
            result: result, json: try #require(answer.json),
            port: try #require(result.interfaces.dropFirst().first?.name),
            addresses: result.ips.map { $0.address.address.description })
    }

    /// What ADD made.
    struct Attached {
        let result: AttachmentResult
        let json: JSONValue
        /// The container's port of the bridge.
        let port: String
        let addresses: [String]
    }

    /// The VLANs of a link of the host, one text each: `10 PVID Egress Untagged`, `20-30`.
    func vlans(of link: String) throws -> [String] {
        let all = try lab.host.bridgeVLANs().first { $0.ifname == link }?.vlans ?? []
        return all.map { vlan in
            let first = String(vlan.vlan ?? 0)
            return ([vlan.vlanEnd.map { "\(first)-\($0)" } ?? first] + (vlan.flags ?? [])).joined(separator: " ")
        }
    }

    /// The leases that are taken.
    func leases() throws -> [String] {
        let folder = lab.path("leases/net")
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            $0.first?.isNumber == true || $0.contains(":")
        }
    }
}
