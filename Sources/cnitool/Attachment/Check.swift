internal import ArgumentParser
internal import CNI
internal import CNIRuntime

/// `cnitool check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find out whether an attachment is still as \"add\" left it.",
        discussion: "Needs cniVersion 0.4.0 or newer. Prints nothing when all is well.")

    @OptionGroup var options: AttachmentOptions

    func run() throws {
        let (list, runtime, parameters) = try options.load()
        if list.disablesCheck { runtime.warn("nothing is checked: network \(list.name) says disableCheck") }
        try runtime.check(parameters, on: list)
    }
}
