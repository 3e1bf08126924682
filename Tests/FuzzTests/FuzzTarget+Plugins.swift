import CNI
import CNIPlugin
import Foundation
import InterfaceTestSupport
import JSON
import LinuxSystem
import Netlink
import NetworkAddress
import SystemPackage

@testable import bridge
@testable import firewall
@testable import host_local
@testable import loopback
@testable import macvlan
@testable import portmap
@testable import tuning

extension FuzzTarget {
    /// Whole plugins, on a kernel in memory. The input has up to three parts: the configuration, CNI_ARGS, and what the
    /// IPAM plugin answers.
    static let bridge = plugin("bridge") { runtime, _ in
        var plugin = BridgePlugin()
        plugin.kernel = runtime.kernel
        plugin.programs = runtime.programs
        plugin.filters = runtime.filters
        return plugin
    }
    static let firewall = plugin("firewall") { runtime, _ in
        let bridge = runtime.host.makeLink(name: "cni0", kind: "bridge", isUp: true)
        let peer = VethPeer(name: "eth0", namespace: runtime.sandbox.namespace)
        _ = try? runtime.host.add(NewLink(name: "veth0", kind: .veth(peer), master: bridge.index))
        var plugin = FirewallPlugin()
        plugin.kernel = runtime.kernel
        plugin.filters = runtime.filters
        plugin.firewalld = NoFirewalld()
        return plugin
    }
    static let hostLocal = plugin("host-local") { _, folder in
        var plugin = HostLocalPlugin()
        plugin.stores = OneFolder(folder: folder)
        plugin.resolverFiles = OneResolverFile()
        return plugin
    }
    static let loopback = plugin("loopback") { runtime, _ in
        var plugin = LoopbackPlugin()
        plugin.kernel = runtime.kernel
        return plugin
    }
    static let macvlan = plugin("macvlan", interfaceName: "net1") { runtime, folder in
        if let uplink = runtime.host["eth0"] {
            runtime.host.addRoute(Route(destination: .everything(.ipv4), nextHops: [.init(link: uplink.index)]))
        }
        let shim = #"{"cniVersion":"1.1.0","ips":[{"address":"10.1.0.6/16"},{"address":"fd00::6/64"}]}"#
        runtime.programs.answersForContainers[HostShim.containerID] = ["ADD": .prints(shim)]
        var plugin = MacvlanPlugin()
        plugin.kernel = runtime.kernel
        plugin.programs = runtime.programs
        plugin.lockFolder = folder
        return plugin
    }
    static let portmap = plugin("portmap") { runtime, _ in
        var plugin = PortmapPlugin()
        plugin.filters = runtime.filters
        plugin.connections = FakeConnectionTracker(runtime.log)
        plugin.host = { try runtime.kernel.host() }
        return plugin
    }
    static let tuning = plugin("tuning") { runtime, folder in
        runtime.container.makeLink(name: "eth0", kind: "veth")
        var plugin = TuningPlugin()
        plugin.kernel = runtime.kernel
        plugin.allowListPath = folder + "/allowlist.conf"
        return plugin
    }

    private static func plugin(
        _ name: String, interfaceName: String = "eth0", _ make: @escaping @Sendable (FakeRuntime, String) -> any Plugin
    ) -> FuzzTarget {
        FuzzTarget(name: name) { input in
            let folder = try FuzzFolder()
            defer { folder.remove() }
            let runtime = try FakeRuntime()
            let plugin = make(runtime, folder.path)
            return try PluginCase(runtime, plugin, interfaceName, InputParts(input), folder).run()
        }
    }
}

/// ADD, and what follows from how it ends.
private struct PluginCase {
    private let runtime: FakeRuntime
    private let plugin: any Plugin
    private let interfaceName: String
    private let parts: InputParts
    private let folder: FuzzFolder

    init(
        _ runtime: FakeRuntime, _ plugin: any Plugin, _ interfaceName: String, _ parts: InputParts, _ folder: FuzzFolder
    ) {
        self.runtime = runtime
        self.plugin = plugin
        self.interfaceName = interfaceName
        self.parts = parts
        self.folder = folder
    }

    /// Whether it could be attached, and CHECK found all of it.
    func run() throws -> Bool {
        runtime.programs.installed = ["fake-ipam", "host-local", "static", "dhcp"]
        runtime.programs.answers["ADD"] = .prints(parts.text(2))
        guard let request = try? request(nil) else {
            removeWhatIsRefused()
            return false
        }
        let before = State(runtime, folder)
        let result: AttachmentResult
        do { result = try plugin.add(request) } catch {
            let after = State(runtime, folder)
            try require(after == before, "ADD failed (\(error)) and left \(after.difference(from: before))")
            return false
        }
        var isWhole = false
        // What the dispatcher would take back where the version cannot hold it.
        if let told = try? result.json(version: request.configuration.version) {
            let checking = try self.request(told)
            isWhole = (try? plugin.check(checking)) != nil
            try detach(checking, before)
        } else {
            try detach(request, before)
        }
        return isWhole
    }

    /// A request that ADD does not read is one that DEL may read: it must not trap either.
    private func removeWhatIsRefused() {
        guard let configuration = try? RequestConfiguration(input(nil), isRemoving: true) else { return }
        try? plugin.delete(
            DetachRequest(
                attachment: attachment(configuration), sandbox: runtime.sandbox, configuration: configuration,
                execution: execution(parts[0])))
    }

    /// After DEL, and after another one without a sandbox, nothing is left of the container.
    private func detach(_ request: AttachRequest, _ before: State) throws {
        try plugin.delete(runtime.detaching(request))
        try plugin.delete(runtime.detaching(request, hasSandbox: false))
        let after = State(runtime, folder)
        try require(after.ofContainers == before.ofContainers, "DEL left \(after.difference(from: before))")
    }

    private func input(_ prevResult: JSONValue?) -> [UInt8] {
        guard case .object(var object)? = try? JSONValue(parsing: parts[0]) else { return parts[0] }
        // Files are made in the test's own folder only.
        object = object.without(object.members.map(\.key).filter { $0.lowercased() == "datadir" })
        object["dataDir"] = .string(folder.path)
        if let prevResult { object["prevResult"] = prevResult }
        return JSONValue.object(object).text()
    }

    private func request(_ prevResult: JSONValue?) throws -> AttachRequest {
        let input = input(prevResult)
        let configuration = try RequestConfiguration(input)
        return AttachRequest(
            attachment: attachment(configuration), sandbox: runtime.sandbox,
            arguments: try CNIArguments(parts.text(1)), configuration: configuration, execution: execution(input))
    }

    private func attachment(_ configuration: RequestConfiguration) -> Attachment {
        Attachment(network: configuration.network, containerID: "c1", interfaceName: interfaceName)
    }

    private func execution(_ input: [UInt8]) -> Execution {
        let variables = [
            "CNI_PATH=/opt/cni/bin", "CNI_CONTAINERID=c1", "CNI_IFNAME=\(interfaceName)",
            "CNI_NETNS=\(runtime.sandbox.path)",
        ]
        return Execution(environment: ProcessEnvironment(variables), input: input)
    }
}

/// All that a plugin could leave.
private struct State: Equatable {
    /// What goes with a container; a bridge, for one, stays for the next.
    struct OfContainers: Equatable {
        var links: [String]
        var filters: FakePacketFilter.State
        var leases: Set<String>
        var files: [String]
    }

    private let stacks: [FakeNetworkStack.State]
    let ofContainers: OfContainers

    init(_ runtime: FakeRuntime, _ folder: FuzzFolder) {
        stacks = runtime.kernel.snapshot
        let links = stacks.map { stack in
            stack.links.values.filter { $0.kind != "bridge" }.map { "\($0.name) \($0.kind ?? "")" }.sorted()
        }
        ofContainers = OfContainers(
            links: links.flatMap { $0 + ["|"] }, filters: runtime.filters.state, leases: runtime.programs.leases,
            files: folder.files)
    }

    func difference(from before: State) -> String {
        if ofContainers != before.ofContainers { return "\(ofContainers) in place of \(before.ofContainers)" }
        return "\(stacks) in place of \(before.stacks)"
    }
}

private struct NoFirewalld: FirewallService {
    func isRunning() throws(CNIError) -> Bool { false }
    func add(_ address: IPAddress, to zone: String) throws {}
    func remove(_ address: IPAddress, from zone: String) throws {}
    func contains(_ address: IPAddress, in zone: String) throws -> Bool { false }
}

/// Leases in one folder, wherever a configuration wants them.
struct OneFolder: LeaseStores {
    let folder: String

    func open(_ location: LeaseLocation, creating: Bool) throws -> (any LeaseStore)? {
        try LeaseDirectories().open(LeaseLocation(dataDirectory: folder, network: "net"), creating: creating)
    }
}

private struct OneResolverFile: ResolverFiles {
    func contents(of path: String) throws(Errno) -> [UInt8] { Array("nameserver 10.0.0.1\nsearch \(path)\n".utf8) }
}
