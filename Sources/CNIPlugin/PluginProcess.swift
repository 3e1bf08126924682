internal import CNI
internal import Glibc
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// The most that a plugin reads from standard input, in bytes.
let inputLimit = 8 << 20

/// The whole life of a plugin's process: reads, dispatches, writes once, exits.
///
/// A free function, because `main()` of an `@main` type belongs to the main actor and would draw the concurrency
/// runtime into every executable.
func runProcess(_ plugin: some Plugin) -> Never {
    signal(SIGPIPE, SIG_IGN)
    var execution = Execution(environment: .current, input: [])
    let outcome: Outcome
    do throws(Errno) {
        if readsInput(execution.environment) {
            execution = Execution(
                environment: execution.environment, input: try StandardStreams.readInput(limit: inputLimit))
        }
        outcome = Dispatcher(plugin).run(execution)
    } catch {
        outcome = Outcome(output: inputFailure(error).json(version: .latest).text() + [UInt8(ascii: "\n")], status: 1)
    }
    if !outcome.message.isEmpty { StandardStreams.writeError(outcome.message) }
    do {
        try StandardStreams.writeOutput(outcome.output)
    } catch {
        StandardStreams.writeError("cannot write the result: \(error)\n")
        if outcome.status == 0 { takeBack(execution, plugin) }
        exit(max(1, outcome.status))
    }
    exit(outcome.status)
}

/// Detaches again what ADD attached when nobody could be told of it.
private func takeBack(_ execution: Execution, _ plugin: some Plugin) {
    guard execution.environment["CNI_COMMAND"] == Command.add.rawValue else { return }
    var environment = execution.environment
    environment["CNI_COMMAND"] = Command.delete.rawValue
    _ = Dispatcher(plugin).run(Execution(environment: environment, input: execution.input))
}

/// Whether there is something to read. Without a command only a hint is printed; VERSION answers a person at a
/// terminal without waiting for a configuration.
private func readsInput(_ environment: ProcessEnvironment) -> Bool {
    switch environment["CNI_COMMAND"] ?? "" {
    case "": false
    case Command.version.rawValue: isatty(STDIN_FILENO) == 0
    default: true
    }
}

private func inputFailure(_ error: Errno) -> CNIError {
    error == .fileTooLarge
        ? CNIError(.decoding, "the network configuration is larger than \(inputLimit) bytes")
        : CNIError(.inputOutput, "the network configuration cannot be read", details: error.description)
}
