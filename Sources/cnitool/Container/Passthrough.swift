internal import ArgumentParser
internal import CNIContainers
internal import LinuxSystem

/// A command that another program is to run, as it stands at the end of the command line.
enum Passthrough {
    /// What stands in place of options that other tools have.
    private static let hints = {
        let files = "files are the host's"
        let variables = "\"env KEY=VALUE\" before the command sets a variable"
        let user = "\"setpriv --reuid USER --regid GROUP --init-groups\" before the command changes the user"
        let folder =
            "the command starts in the working directory of cnitool, or \"env --chdir FOLDER\" before it changes that"
        return [
            "-e": variables, "--env": variables, "-v": files, "--volume": files, "--mount": files, "-u": user,
            "--user": user, "-w": folder, "--workdir": folder, "--net": "it is --network", "--ip6": "it is --ip",
            "--network-alias": "it is --alias",
        ]
    }()

    /// The command without the `--` before it.
    ///
    /// - Throws: also where these words ask for help, which nobody else looks for in them.
    static func command(_ words: [String], of asker: any ParsableCommand) throws -> [String] {
        if let first = words.first, ["-h", "--help"].contains(first) { throw CleanExit.helpRequest(asker) }
        let command = words.first == "--" ? Array(words.dropFirst()) : words
        if let first = words.first, first != "--", first.hasPrefix("-") {
            let hint = hints[first.split(separator: "=", maxSplits: 1).first.map(String.init) ?? first]
            throw ValidationError(
                "unknown option '\(first)'; \(hint ?? "a command that begins with a dash comes after \"--\"")")
        }
        guard let program = command.first, !program.isEmpty else {
            throw ValidationError("name the command to run, after \"--\"")
        }
        return command
    }

    /// The path of the program that a command means (execvp(3)).
    ///
    /// - Throws: exit status 127 where there is none, 126 where it may not be executed.
    static func program(_ command: [String]) throws -> String {
        let name = command[0]
        if name.contains("/") {
            if isExecutableFile(name) { return name }
            throw refusal(name, Files.exists(name))
        }
        let folders =
            (ProcessEnvironment.current["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .split(separator: ":", omittingEmptySubsequences: false).map { $0.isEmpty ? "." : String($0) }
        let paths = folders.map { "\($0)/\(name)" }
        if let path = paths.first(where: isExecutableFile) { return path }
        throw refusal(name, paths.contains(where: Files.exists))
    }

    private static func refusal(_ name: String, _ exists: Bool) -> ExitCode {
        StandardStreams.writeError(
            exists
                ? "Error: \(name) cannot be executed: it is no program, or not for this user\n"
                : "Error: there is no command \(name): check its name, or give its whole path\n")
        return ExitCode(exists ? 126 : 127)
    }

    /// The exit status that tells how a command ended.
    static func status(_ ending: ChildProcess.Ending) -> Int32 {
        switch ending {
        case .exited(let status): status
        case .killed(let signal): 128 + signal
        }
    }
}
