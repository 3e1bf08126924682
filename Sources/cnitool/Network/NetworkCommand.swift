internal import ArgumentParser

/// `cnitool network`
struct NetworkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Create networks, and look after them.",
        discussion: """
            A network is a file in NETCONFPATH that every CNI runtime understands. The networks "host" and "none" \
            need no file: a container has the host's network, or none.

            EXAMPLE
              cnitool network create --subnet 172.18.0.0/16 --gateway 172.18.0.1 net1

            EXIT STATUS
              0 success, 1 failure (one sentence on standard error), 64 wrong usage
            """,
        subcommands: [
            NetworkCreate.self, NetworkList.self, NetworkInspect.self, NetworkRemove.self, NetworkPrune.self,
            NetworkConnect.self, NetworkDisconnect.self,
        ])
}
