import CNI
import Foundation
import JSON
import TestSupport

/// A lab's host with cnitool, and folders of its own: networks, state, results and leases. Containers that a test leaves
/// are stopped.
final class ContainerScene {
    /// Something did not work that a test builds on.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let lab: Lab

    init(_ lab: Lab) { self.lab = lab }

    convenience init() throws { self.init(try Lab(containers: 0)) }

    /// With networks `net1`, of both families, and `net2`, of IPv4 only.
    static func withNetworks(_ more: [String] = []) throws -> ContainerScene {
        let scene = try ContainerScene()
        try scene.create("net1", ["--subnet", "172.18.0.0/16", "--subnet", "fd00:18::/64"] + more)
        try scene.create("net2", ["--subnet", "172.19.0.0/16"] + more)
        return scene
    }

    deinit {
        let names = (try? containers().compactMap { try $0["id"].string() }) ?? []
        if !names.isEmpty { _ = try? tool(["stop", "-t", "0"] + names) }
    }

    /// `cnitool …` in the host's network; the mounts are those of the machine, as for somebody who works there.
    func tool(_ arguments: [String], timeout: Double = 60) throws -> Subprocess.Outcome {
        try shell(ContainerScene.line(["cnitool"] + arguments), timeout: timeout)
    }

    func tool(_ arguments: String...) throws -> Subprocess.Outcome { try tool(arguments) }

    /// Runs a command that must succeed; returns what it printed, without the last newline.
    @discardableResult
    func succeed(_ arguments: String...) throws -> String {
        let outcome = try tool(arguments)
        if !outcome.isSuccess { throw Failure(description: "\(arguments): \(outcome)") }
        return outcome.outputText.trimmingCharacters(in: .newlines)
    }

    /// Runs lines of shell on the host, where `cnitool` is the one under test.
    func shell(_ lines: String, timeout: Double = 60) throws -> Subprocess.Outcome {
        let program = try program("nsenter")
        let environment = [
            "PATH": "\(lab.path("bin")):/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "CNI_PATH": Executables.folder,
            "NETCONFPATH": lab.path("net.d"), "CNITOOL_STATE": lab.path("state"),
        ]
        try installTool()
        return try Subprocess.run(
            program, ["--net=" + lab.host.path, "sh", "-c", lines], environment: environment, timeout: timeout)
    }

    private func program(_ name: String) throws -> String {
        guard let program = Subprocess.find(name) else {
            throw Failure(description: "there is no program \(name)")
        }
        return program
    }

    private func installTool() throws {
        let path = lab.path("bin/cnitool")
        if FileManager.default.fileExists(atPath: path) { return }
        try FileManager.default.createDirectory(atPath: lab.path("bin"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: path, withDestinationPath: Executables.path(of: "cnitool"))
    }

    private static func line(_ words: [String]) -> String {
        words.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
    }

    /// Creates a network and has its leases in the lab.
    func create(_ name: String, _ arguments: [String]) throws {
        let outcome = try tool(["network", "create"] + arguments + [name])
        if !outcome.isSuccess { throw Failure(description: "\(outcome)") }
        try edit(name) {
            let key = "\"type\": \"host-local\","
            return $0.replacing(key, with: "\(key) \"dataDir\": \"\(lab.path("data"))\",")
        }
    }

    /// Changes the text of a network's configuration.
    func edit(_ network: String, _ change: (String) -> String) throws {
        let file = "net.d/\(network).conflist"
        try lab.write(change(try String(contentsOfFile: lab.path(file), encoding: .utf8)), to: file)
    }

    var cache: [String] { ["--cache", lab.path("cache")] }

    /// `cnitool run` in the foreground.
    func run(_ arguments: String...) throws -> Subprocess.Outcome { try tool(["run"] + cache + arguments) }

    /// `cnitool run -d --name`; the command sleeps unless another one is named.
    func start(_ name: String, _ arguments: String..., command: [String] = ["sleep", "300"]) throws {
        let outcome = try tool(["run", "-d", "--name", name] + cache + arguments + ["--"] + command)
        if !outcome.isSuccess { throw Failure(description: "\(name): \(outcome)") }
    }

    /// What a line of shell prints in a container, which must succeed.
    @discardableResult
    func inside(_ name: String, _ line: String) throws -> String { try succeed("exec", name, "--", "sh", "-c", line) }

    /// Whether one container reaches another.
    func pings(_ name: String, _ target: String) throws -> Bool {
        try tool("exec", name, "--", "ping", "-n", "-c", "1", "-W", "2", target).isSuccess
    }

    /// `cnitool ps --format json`
    func containers() throws -> [JSONField] {
        try JSONField(try JSONValue(parsing: try tool("ps", "--format", "json").output)).elements()
    }

    /// The lines of a container's hosts file about others and itself.
    func hosts(_ name: String) throws -> [String] {
        try inside(name, "cat /etc/hosts").split(separator: "\n").map(String.init).filter {
            !$0.contains("localhost") && !$0.contains(" ip6-")
        }
    }

    /// The record of a container, as the file has it.
    func record(_ name: String) throws -> JSONField {
        for folder in files("state") where folder.utf8.count == 64 {
            let contents = FileManager.default.contents(atPath: lab.path("state/\(folder)/record.json")) ?? Data()
            let record = JSONField(try JSONValue(parsing: Array(contents)))
            if try record["name"].string() == name { return record }
        }
        throw Failure(description: "there is no record of \(name)")
    }

    func number(_ name: String, _ key: String) throws -> pid_t {
        guard let number: pid_t = try record(name)[key].integer(in: 1...pid_t.max) else {
            throw Failure(description: "the record of \(name) has no \(key)")
        }
        return number
    }

    func files(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: lab.path(folder))) ?? []).sorted()
    }

    /// Everything that a container is made of, one line each: records, results, leases, links of the host, sandboxes, and
    /// mounts of the machine that are of this lab.
    func remains() throws -> [String] {
        let folders = files("state").filter { $0 != "lock" }
        let leases = ["net1", "net2"].flatMap { network in
            files("data/\(network)").filter { $0 != "lock" && !$0.hasPrefix("last_reserved") }
        }
        let links = try lab.host.links().compactMap(\.ifname).filter { $0.hasPrefix("veth") }
        let sandboxes = folders.map { "/run/netns/cnitool-" + $0.prefix(12) }
        let mounts = try MountTable.lines().filter { line in
            line.contains(lab.folder) || sandboxes.contains { line.contains($0) }
        }
        let left = sandboxes.filter { FileManager.default.fileExists(atPath: $0) }
        return folders.map { "folder \($0)" } + files("cache").map { "result \($0)" } + leases.map { "lease \($0)" }
            + links.map { "link \($0)" } + left.map { "sandbox \($0)" } + mounts.map { "mount \($0)" }
    }
}
