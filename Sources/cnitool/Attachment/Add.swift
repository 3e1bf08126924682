internal import ArgumentParser
internal import CNI
internal import CNIRuntime
internal import JSON
internal import LinuxSystem

/// `cnitool add`
struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Attach a namespace to a network and print the result.",
        discussion: "When a plugin fails, what the plugins before it made is taken back.")

    @OptionGroup var options: AttachmentOptions

    func run() throws {
        let (list, runtime, parameters) = try options.load()
        let result = try runtime.add(parameters, to: list)
        try StandardStreams.writeOutput(JSONValue.object(result.document).text() + [UInt8(ascii: "\n")])
    }
}
