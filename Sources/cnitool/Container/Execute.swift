internal import ArgumentParser
internal import CNIContainers
internal import CNIRuntime
internal import LinuxSystem
internal import SystemPackage

/// `cnitool exec`
struct Execute: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run another command in a container that runs.",
        discussion: """
            The command has the network, the mounts and the host name of the container, and ends with it.

            EXAMPLE
              cnitool exec web ip address
              cnitool exec web -- sh -c 'cat /etc/hosts'

            EXIT STATUS
              that of the command; 125 cnitool failed (one sentence on standard error), 126 the command cannot be \
            executed, 127 there is no such command, 64 wrong usage
            """)

    @OptionGroup var customary: CustomaryOptions

    @Argument(
        help: "Name or id of the container, or the beginning of its id.", completion: Completions.containers)
    var container: String

    @Argument(
        parsing: .captureForPassthrough, help: "The command and its arguments, after \"--\" or alone.",
        completion: Completions.command)
    var command: [String]

    func validate() throws { _ = try Passthrough.command(command, of: self) }

    func run() throws {
        do {
            try enter()
        } catch let status as ExitCode {
            throw status
        } catch {
            StandardStreams.writeError("Error: \(error)\n")
            throw ExitCode(125)
        }
        let command = try Passthrough.command(command, of: self)
        let program = try Passthrough.program(command)
        let failure = CurrentProcess.become(program, command)
        StandardStreams.writeError("Error: \(program) cannot be executed: \(failure)\n")
        throw ExitCode(failure == .noSuchFileOrDirectory ? 127 : 126)
    }

    private func enter() throws {
        let host = ContainerHost(try Settings(.current))
        // The lock keeps the process in its record, and with that its number from anybody else.
        try host.locked { _ in
            let record = try host.container(container)
            guard record.state == .running, let process = record.process else {
                throw record.refusal
            }
            do throws(Errno) {
                try ProcessHandle(process).enterNamespaces(withNetwork: record.sandboxPath != nil)
            } catch {
                if error == .noSuchProcess { throw Failure("container \(record.title) has ended") }
                throw Failure("cannot enter container \(record.title): \(error)")
            }
        }
    }
}
