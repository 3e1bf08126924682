internal import ArgumentParser
internal import CNI

/// The tool for people: it does by hand what a container runtime does.
@main
struct CNITool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cnitool",
        abstract:
            "Runs commands on CNI networks, and attaches network namespaces to them, as a container runtime would.",
        discussion: """
            A network is described by a file (.conflist, .conf or .json) in /etc/cni/net.d; it is found by the \
            name in the file. "network create" writes such a file.

            EXAMPLE
              cnitool network create net1
              cnitool run --network net1 --name web -p 8080:80 -d -- busybox httpd -f
              cnitool run --network net1 -- ping -c 1 web
              cnitool stop web

            A namespace that somebody else made is a container as well. Its id is made from the path of the namespace, so \
            that the same two arguments always mean the same attachment.

            EXAMPLE
              ip netns add blue
              cnitool add net1 /run/netns/blue
              cnitool check net1 /run/netns/blue
              cnitool del net1 /run/netns/blue

            ENVIRONMENT
              NETCONFPATH    Folder of network configurations (default: /etc/cni/net.d)
              CNI_PATH       Folders of plugins (default: /opt/cni/bin)
              CNI_IFNAME     Interface of add, check and del (default: eth0)
              CNI_ARGS       Extra arguments: KEY=value;KEY=value
              CAP_ARGS       Capability arguments for add, check and del, one JSON object:
                             {"mac": "c2:11:22:33:44:55", "ips": ["10.1.0.9"]}
              CNITOOL_STATE  Folder of the records of containers (default: /run/cnitool)

            COMPLETION
              cnitool --generate-completion-script bash >/etc/bash_completion.d/cnitool
              (also zsh and fish) completes networks, containers, drivers, options and links.

            EXIT STATUS
              0 success, 1 failure (one sentence on standard error), 64 wrong usage; run and exec have more
            """,
        version: CNITool.versions,
        subcommands: [NetworkCommand.self, Version.self],
        groupedSubcommands: [
            CommandGroup(
                name: "Container", subcommands: [Run.self, ProcessStatus.self, Execute.self, Stop.self]),
            CommandGroup(
                name: "Namespace",
                subcommands: [Add.self, Check.self, Delete.self, CollectGarbage.self, Status.self]),
        ])

    /// The versions of the specification that the tool speaks, in a sentence.
    static let versions =
        "cnitool speaks CNI \(SpecificationVersion.allCases.map(\.rawValue).joined(separator: ", "))"
}
