internal import CNI
internal import JSON
internal import LinuxSystem

/// The CNI_* variables, checked against what the command needs.
struct Parameters {
    let containerID: String
    let sandboxPath: String
    let interfaceName: String
    let arguments: CNIArguments
    /// Whether the sandbox may be the plugin's own namespace (CNI_NETNS_OVERRIDE).
    let allowsOwnNamespace: Bool

    /// Reads the variables; all that are missing are named in one error with code 4.
    init(_ environment: ProcessEnvironment, for command: Command) throws(CNIError) {
        let missing = Parameters.needed(by: command).filter { (environment[$0] ?? "").isEmpty }
        guard missing.isEmpty else {
            throw CNIError(
                .invalidEnvironment,
                "\(command.rawValue) needs variables that are not set: \(missing.joined(separator: ", "))")
        }
        containerID = environment["CNI_CONTAINERID"] ?? ""
        sandboxPath = environment["CNI_NETNS"] ?? ""
        interfaceName = environment["CNI_IFNAME"] ?? ""
        arguments = try CNIArguments(environment["CNI_ARGS"] ?? "")
        let override = (environment["CNI_NETNS_OVERRIDE"] ?? "").lowercased()
        allowsOwnNamespace = override == "1" || override == "true"

        guard command.concernsAttachment else { return }
        guard Names.isIdentifier(containerID) else {
            throw Parameters.invalid("CNI_CONTAINERID", Names.identifierRule, containerID)
        }
        guard Names.isInterfaceName(interfaceName) else {
            throw Parameters.invalid("CNI_IFNAME", Names.interfaceNameRule, interfaceName)
        }
    }

    private static func needed(by command: Command) -> [String] {
        switch command {
        case .add, .check: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]
        case .delete: ["CNI_CONTAINERID", "CNI_IFNAME"]
        case .collectGarbage: ["CNI_PATH"]
        case .status, .version: []
        }
    }

    private static func invalid(_ name: String, _ expected: String, _ found: String) -> CNIError {
        CNIError(.invalidEnvironment, "\(name): expected \(expected), found \(JSONValue.quoted(found))")
    }
}

extension Command {
    /// Whether the command is about one container rather than about a network or the plugin itself.
    var concernsAttachment: Bool { [.add, .check, .delete].contains(self) }
}
