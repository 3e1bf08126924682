internal import ArgumentParser
internal import CNIContainers
internal import CNIRuntime
internal import LinuxSystem
internal import SystemPackage

/// `cnitool stop`
struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "End containers, and wait until everything of them is removed.",
        discussion: """
            Sends SIGTERM to the commands, and SIGKILL to those that still run after some time. Prints the names of the \
            containers that have ended, as they were given; goes on after a failure.

            EXAMPLE
              cnitool stop --time 2 web db

            EXIT STATUS
              0 all have ended, 1 some have not (one sentence each on standard error), 64 wrong usage
            """)

    @Option(name: [.short, .long], help: ArgumentHelp("How long a command may take to end.", valueName: "seconds"))
    var time = 10

    @Argument(help: "Names or ids of containers, or beginnings of ids.", completion: Completions.containers)
    var containers: [String]

    func validate() throws {
        if !(0...86400).contains(time) { throw ValidationError("--time: expected 0 to 86400 seconds, found \(time)") }
        if containers.isEmpty { throw ValidationError("name the containers to stop") }
    }

    /// How long everything may take to be removed, in milliseconds.
    private static let removal = 60_000

    func run() throws {
        let host = ContainerHost(try Settings(.current))
        var failures: [String] = []
        var ending: [(text: String, id: String, supervisor: HeldProcess)] = []
        // All are told before the first one is waited for.
        for text in containers {
            do {
                try host.locked { _ in
                    let record = try host.container(text)
                    // Locked and looked after, the supervisor lives, so that the number is its own.
                    let supervisor = HeldProcess(try ProcessHandle(record.supervisor))
                    try supervisor.process.send(Stop.terminate)
                    ending.append((text, record.id, supervisor))
                }
            } catch {
                failures.append("\(error)")
            }
        }
        let end = MonotonicTime.now + time * 1000
        for container in ending {
            do {
                if !container.supervisor.process.waitForEnd(milliseconds: end.remaining) {
                    try kill(container.id, host)
                    if !container.supervisor.process.waitForEnd(milliseconds: Stop.removal) {
                        throw Failure(
                            "container \(container.text) is killed, but not removed yet: look at \"cnitool ps\"")
                    }
                }
                print(container.text)
            } catch {
                failures.append("\(error)")
            }
        }
        // What a supervisor could not remove is tried again here.
        try host.locked { _ in }
        if !failures.isEmpty { throw Failure(failures.joined(separator: "; ")) }
    }

    private func kill(_ identifier: String, _ host: ContainerHost) throws {
        try host.locked { _ in
            guard let process = try host.store.record(of: identifier)?.process else { return }
            try ProcessHandle(process).send(Stop.kill)
        }
    }

    private static let terminate: Int32 = 15
    private static let kill: Int32 = 9
}

/// A process that is kept in mind while this object lives.
private final class HeldProcess {
    let process: ProcessHandle

    init(_ process: consuming ProcessHandle) {
        self.process = process
    }
}
