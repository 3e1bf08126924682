import Foundation
import JSON
import TestSupport
import Testing

private enum ReferencePlugins {
    static let folder = "/usr/lib/cni"

    static var areInstalled: Bool {
        ["bridge", "host-local", "tuning", "loopback"].allSatisfy {
            FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)")
        }
    }
}

/// The tool with the reference's plugins, as the distribution installs them, in namespaces that play host and containers.
@Suite(
    .needsLab, .needs(.bridge), .needs(.veth),
    .enabled(
        if: ReferencePlugins.areInstalled, "needs the reference's plugins in \(ReferencePlugins.folder)"))
struct ReferencePluginTests {
    private let lab: Lab

    init() throws {
        lab = try Lab(containers: 2)
        try lab.write(
            #"""
            {"cniVersion": "0.4.0", "cniVersions": ["1.0.0", "7.0.0"], "name": "demo", "plugins": [
              {"type": "bridge", "bridge": "cni0", "isGateway": true,
               "ipam": {"type": "host-local", "subnet": "10.99.0.0/24", "dataDir": "\#(lab.folder)/leases"}},
              {"type": "tuning", "capabilities": {"mac": true}}]}
            """#, to: "net.d/10-demo.conflist")
        try lab.write(#"{"cniVersion": "0.3.1", "name": "lo", "type": "loopback"}"#, to: "net.d/99-lo.conf")
    }

    private func tool(_ arguments: [String], _ variables: [String: String] = [:]) throws -> Subprocess.Outcome {
        let settings =
            ["NETCONFPATH=\(lab.folder)/net.d", "CNI_PATH=\(ReferencePlugins.folder)"] + variables.map { "\($0)=\($1)" }
        return try lab.host.run(
            "env", settings + [Executables.path(of: "cnitool")] + arguments + ["--cache", "\(lab.folder)/results"])
    }

    /// Files below a folder of the lab, but for what host-local keeps for ever.
    private func files(_ name: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: lab.path(name))) ?? []).filter {
            $0 != "lock" && !$0.hasPrefix("last_reserved_ip")
        }.sorted()
    }

    @Test func `attaches two containers that reach each other, checks them and leaves nothing`() throws {
        for (container, mac) in zip(lab.containers, ["c2:11:22:33:44:55", "c2:11:22:33:44:56"]) {
            let added = try tool(["add", "demo", container.path], ["CAP_ARGS": #"{"mac": "\#(mac)"}"#])
            #expect(added.isSuccess, "\(added)")
            let result = JSONField(try JSONValue(parsing: added.output))
            #expect(try result["cniVersion"].string() == "1.0.0")
            #expect(try result["interfaces"].elements().last?["mac"].string() == mac)
            #expect(try container.link("eth0")?.address == mac)
            let checked = try tool(["check", "demo", container.path])
            #expect(checked.isSuccess, "\(checked)")
        }
        #expect(try lab.containers[0].addresses(of: "eth0").contains("10.99.0.2/24"))
        let ping = try lab.containers[0].run("ping", ["-c", "1", "-W", "2", "10.99.0.3"])
        #expect(ping.isSuccess, "\(ping)")
        #expect(files("results").count == 2)
        #expect(files("leases/demo") == ["10.99.0.2", "10.99.0.3"])

        // What is no longer as ADD left it is noticed.
        try lab.containers[0].ip("addr", "flush", "dev", "eth0")
        let broken = try tool(["check", "demo", lab.containers[0].path])
        #expect(broken.ending == .exited(status: 1))
        #expect(broken.errorText.hasPrefix("Error: CHECK by plugin bridge failed: "), "\(broken)")

        for container in lab.containers {
            let deleted = try tool(["del", "demo", container.path])
            #expect(deleted.isSuccess, "\(deleted)")
            #expect(try container.link("eth0") == nil)
        }
        #expect(try lab.host.links().compactMap(\.ifname).filter { $0.hasPrefix("veth") } == [])
        #expect(files("results") == [])
        #expect(files("leases/demo") == [])
    }

    @Test func `gc frees what a namespace left that went away`() throws {
        for container in lab.containers { #expect(try tool(["add", "demo", container.path]).isSuccess) }
        lab.containers[1].remove()
        let collected = try tool(["gc", "demo"])
        #expect(collected.isSuccess, "\(collected)")
        #expect(files("leases/demo") == ["10.99.0.2"])
        #expect(files("results").count == 1)
        #expect(try tool(["check", "demo", lab.containers[0].path]).isSuccess)
    }

    @Test func `a second add is refused and the first attachment goes on working`() throws {
        let container = lab.container
        #expect(try tool(["add", "demo", container.path]).isSuccess)
        let before = try lab.snapshot()
        let again = try tool(["add", "demo", container.path])
        #expect(again.ending == .exited(status: 1))
        #expect(again.errorText.hasSuffix(" on network demo: delete it first\n"))
        #expect(before.changes(to: try lab.snapshot()) == "")
        #expect(try tool(["check", "demo", container.path]).isSuccess)
    }

    @Test func `a failure at the end of the chain leaves nothing`() throws {
        let configuration = try String(contentsOfFile: lab.path("net.d/10-demo.conflist"), encoding: .utf8)
        try lab.write(
            configuration.replacing(
                #"{"type": "tuning","#, with: #"{"type": "tuning", "sysctl": {"net.no.such.key": "1"},"#),
            to: "net.d/10-demo.conflist")
        let added = try tool(["add", "demo", lab.container.path])
        #expect(added.ending == .exited(status: 1))
        #expect(added.errorText.hasPrefix("Error: ADD by plugin tuning failed: "), "\(added)")
        #expect(try lab.container.link("eth0") == nil)
        #expect(try lab.host.links().compactMap(\.ifname).filter { $0.hasPrefix("veth") } == [])
        #expect(files("results") == [])
        #expect(files("leases/demo") == [])
    }

    @Test func `a single plugin of an old version works too`() throws {
        let added = try tool(["add", "lo", lab.container.path], ["CNI_IFNAME": "lo"])
        #expect(added.isSuccess, "\(added)")
        #expect(try lab.container.link("lo")?.isUp == true)
        let checked = try tool(["check", "lo", lab.container.path], ["CNI_IFNAME": "lo"])
        #expect(
            checked.errorText
                == "Error: network lo has cniVersion 0.3.1, which has no CHECK: it needs 0.4.0 or newer\n")
        #expect(try tool(["del", "lo", lab.container.path], ["CNI_IFNAME": "lo"]).isSuccess)
        #expect(try lab.container.link("lo")?.isUp == false)
        #expect(files("results") == [])
    }
}
