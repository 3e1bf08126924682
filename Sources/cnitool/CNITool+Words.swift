internal import ArgumentParser
internal import LinuxSystem

extension CNITool {
    /// What other tools call what this one does otherwise, and how.
    private static let words = [
        "attach": "a command in the foreground has the terminal, and \"cnitool exec\" runs another one",
        "connect": "it is \"cnitool network connect\"",
        "create": "it is \"cnitool network create\" for networks, and \"cnitool run\" for containers",
        "disconnect": "it is \"cnitool network disconnect\"",
        "inspect": "it is \"cnitool network inspect\" for networks, and \"cnitool ps --format json\" for containers",
        "kill": "it is \"cnitool stop --time 0\"",
        "logs": "the command may write into a file, as -d leaves it no standard streams",
        "ls": "it is \"cnitool ps\" for containers, and \"cnitool network ls\" for networks",
        "prune": "it is \"cnitool network prune\"",
        "rm": "a container is removed when its command ends (\"cnitool stop\"), a network by \"cnitool network rm\"",
        "start": "it is \"cnitool run\"",
    ]

    /// Makes good what whoever started it left out, and says what to type instead of what is no command here.
    static func main() {
        StandardStreams.complete()
        CurrentProcess.expectChildren()
        if let word = CommandLine.arguments.dropFirst().first, let hint = words[word] {
            exit(withError: ValidationError("there is no command \(word): \(hint)"))
        }
        main(nil)
    }
}
