internal import ArgumentParser

/// What people type who know other tools, and what here is always so.
struct CustomaryOptions: ParsableArguments {
    @Flag(name: [.short, .long], help: "Accepted: standard input is the command's anyway.")
    var interactive = false

    @Flag(name: [.short, .long], help: "Accepted: the command has the terminal anyway.")
    var tty = false
}
