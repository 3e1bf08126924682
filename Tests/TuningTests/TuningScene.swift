import CNI
import CNIPlugin
import Foundation
import InterfaceTestSupport
import JSON
import Netlink
import NetworkAddress
import TestSupport

@testable import tuning

/// The tuning plugin on a fake machine: a container with an interface `eth0`, and folders of its own.
struct TuningScene {
    let runtime: FakeRuntime
    private let folder: ScriptFolder
    /// What the plugins before made.
    var prevResult: AttachmentResult?

    var log: CallLog { runtime.log }
    var container: FakeNetworkStack { runtime.container }
    var dataDir: String { folder.path + "/data" }
    var allowList: String { folder.path + "/allowlist.conf" }
    var plugin: TuningPlugin { TuningPlugin(kernel: runtime.kernel, allowListPath: allowList) }

    static let mac = "02:00:00:00:00:0a"
    static let originalMAC = "02:11:22:33:44:55"

    /// The kernel parameters that the container has.
    static let sysctls = [
        "core/somaxconn": "128", "ipv4/conf/eth0/log_martians": "0", "ipv4/conf/all/log_martians": "0",
        "ipv4/ip_local_port_range": "32768\t60999",
    ]

    init() throws {
        runtime = try FakeRuntime()
        folder = try ScriptFolder()
        runtime.container.makeLink(name: "eth0", kind: "veth", mac: MACAddress(Self.originalMAC), isUp: true)
        for (path, value) in Self.sysctls { runtime.container.makeSysctl(path, value) }
        prevResult = AttachmentResult(
            interfaces: [
                .init(name: "cni0", mac: "02:00:00:00:00:01"), .init(name: "eth0", mac: "02:00:00:00:00:02"),
                .init(name: "eth0", mac: Self.originalMAC, mtu: 1500, sandbox: runtime.sandbox.path),
            ], unknown: ["vendor": 1])
    }

    /// A configuration with these members beside `dataDir`.
    func json(_ members: String) -> String {
        #"{"dataDir":"\#(dataDir)""# + (members.isEmpty ? "" : "," + members) + "}"
    }

    func request(
        _ members: String, network: String = "net", containerID: String = "c1", interfaceName: String = "eth0",
        arguments: String = ""
    ) throws -> AttachRequest {
        try runtime.request(
            json(members), network: network, containerID: containerID, interfaceName: interfaceName,
            arguments: arguments, prevResult: prevResult)
    }

    @discardableResult
    func add(
        _ members: String, network: String = "net", containerID: String = "c1", interfaceName: String = "eth0",
        arguments: String = ""
    ) throws -> AttachmentResult {
        try plugin.add(
            request(
                members, network: network, containerID: containerID, interfaceName: interfaceName, arguments: arguments)
        )
    }

    func check(_ members: String, arguments: String = "") throws {
        try plugin.check(request(members, arguments: arguments))
    }

    func delete(
        _ members: String = "", network: String = "net", containerID: String = "c1", interfaceName: String = "eth0",
        hasSandbox: Bool = true
    ) throws {
        let request = try request(
            members, network: network, containerID: containerID, interfaceName: interfaceName)
        try plugin.delete(runtime.detaching(request, hasSandbox: hasSandbox))
    }

    /// The value of a sysctl of the container.
    func sysctl(_ path: String) -> String? { container.state.sysctls[path] }

    // MARK: Backups

    /// The file of a backup.
    func backupPath(_ name: String = "c1_eth0.json") -> String { dataDir + "/" + name }

    /// What a backup holds; nil where there is none.
    func backup(_ name: String = "c1_eth0.json") throws -> JSONObject? {
        guard let data = FileManager.default.contents(atPath: backupPath(name)) else { return nil }
        return try JSONField(JSONValue(parsing: Array(data))).object()
    }

    func writeBackup(_ text: String, _ name: String = "c1_eth0.json") throws {
        try FileManager.default.createDirectory(atPath: dataDir, withIntermediateDirectories: true)
        try text.write(toFile: backupPath(name), atomically: true, encoding: .utf8)
    }

    /// The files of the data folder; nil where there is none.
    func files() -> [String]? { try? FileManager.default.contentsOfDirectory(atPath: dataDir).sorted() }

    func writeAllowList(_ text: String) throws {
        try text.write(toFile: allowList, atomically: true, encoding: .utf8)
    }
}
