internal import ArgumentParser
internal import CNI
internal import CNIRuntime

/// `cnitool status`
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find out whether a network could take another attachment.",
        discussion: "Plugins answer this from cniVersion 1.1.0 on. Prints nothing when all is well.")

    @OptionGroup var options: NetworkOptions

    func run() throws {
        let (list, runtime) = try options.load()
        let needed = Command.status.introduced
        if list.version < needed {
            runtime.warn(
                "nobody was asked: network \(list.name) has cniVersion \(list.version), STATUS needs \(needed)")
        }
        try runtime.status(of: list)
    }
}
