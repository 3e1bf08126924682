internal import ArgumentParser
internal import CNI
internal import CNIRuntime
internal import LinuxSystem

/// `cnitool version`
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the CNI versions that this tool, or the plugins of a network, speak.")

    @Argument(
        help: "Name of the network whose plugins are asked; without it the tool tells its own versions.",
        completion: Completions.networks)
    var network: String?

    @Argument(help: "Not needed; accepted because other tools ask for it.")
    var netns: String?

    func run() throws {
        guard let network else {
            print(CNITool.versions)
            return
        }
        let (list, runtime) = try Settings(.current).network(named: network)
        print("network \(list.name) has cniVersion \(list.version)")
        var failures: [RuntimeError] = []
        for plugin in list.plugins {
            do throws(RuntimeError) {
                let versions = try runtime.versions(of: plugin).supported.map(\.rawValue)
                print("plugin \(plugin.type) speaks \(versions.joined(separator: ", "))")
            } catch {
                failures.append(error)
            }
        }
        if !failures.isEmpty { throw Failure(failures.map(\.description).joined(separator: "; ")) }
    }
}
