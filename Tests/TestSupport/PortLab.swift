internal import Foundation

/// A ``Lab`` whose host has neighbours, with servers in every namespace that answer who they are and whom they see.
///
///     outside ── up0 host up1 ── beyond
///                     └─ whatever the tests attach: containers
///
/// `outside` and `beyond` send to each other through the host, and to the containers as well. Every namespace but the
/// host's has servers on ``servedPorts``, for every protocol and family; a test may start others.
public final class PortLab: Sendable {
    public let lab: Lab
    private let agent: PortAgent

    public var host: LabNamespace { lab.host }
    public var outside: LabNamespace { lab.containers[lab.containers.count - 2] }
    public var beyond: LabNamespace { lab.containers[lab.containers.count - 1] }
    /// The namespaces that are to be attached.
    public var containers: [LabNamespace] { Array(lab.containers.dropLast(2)) }
    public var container: LabNamespace { lab.containers[0] }

    /// What it runs, beside what every lab does.
    static let programs = ["python3", "nft", "iptables-nft", "iptables-legacy", "conntrack", "nsenter", "strace"]
    static var missingPrograms: [String] { programs.filter { Subprocess.find($0) == nil } }

    /// The ports on which everybody answers.
    public static let servedPorts = [80, 81, 8080]
    public static let outsideName = "outside"
    public static let beyondName = "beyond"

    /// The name that the servers of a container answer with.
    public static func name(ofContainer number: Int) -> String { "container \(number)" }

    public init(containers count: Int = 1) throws {
        lab = try Lab(containers: count + 2)
        agent = try PortAgent(socket: lab.path("agent"))
        try connect(outside, by: "up0", \.hostAddress, \.outsideAddress)
        try connect(beyond, by: "up1", \.hostAddressTowardsBeyond, \.beyondAddress)
        try host.shell(
            PortFamily.allCases.map {
                // Never chosen as a source.
                "ip address add \($0.network($0.secondHostAddress)) dev up0 \($0.flags) preferred_lft 0"
            }.joined(separator: "\n"))
        let names = (0..<count).map(PortLab.name(ofContainer:)) + [PortLab.outsideName, PortLab.beyondName]
        for (namespace, name) in zip(lab.containers, names) {
            try namespace.ip("link", "set", "lo", "up")
            try serve(in: namespace, as: name)
        }
    }

    /// Answers as `name` on these ports, of one address or of all (`""`).
    public func serve(
        in namespace: LabNamespace, as name: String, on ports: [Int] = PortLab.servedPorts, address: String = "",
        protocols: [PortProtocol] = PortProtocol.allCases
    ) throws {
        let listen = protocols.flatMap { kind in ports.map { Serving.Port(kind: kind, address: address, number: $0) } }
        let _: Done = try agent.request(Serving(serve: namespace.path, name: name, listen: listen))
    }

    /// Ends the servers of a namespace, which keep it alive when its name is removed.
    public func stopServing(in namespace: LabNamespace) throws {
        let _: Done = try agent.request(["leave": namespace.path])
    }

    /// Asks everything at once.
    public func ask(_ questions: [PortQuestion]) throws -> [PortReply] {
        let answers: Answers = try agent.request(["ask": questions])
        return answers.answers
    }

    /// Who answers on a port, and whom that one saw; nil where nobody answers.
    public func ask(
        from namespace: LabNamespace, to address: String, _ port: Int, _ protocol: PortProtocol = .tcp,
        sourcePort: Int? = nil, timeout: Double = 3
    ) throws -> PortReply? {
        let reply = try ask([
            PortQuestion(from: namespace, to: address, port, `protocol`, sourcePort: sourcePort, timeout: timeout)
        ])
        return reply.first.flatMap { $0.isAnswered ? $0 : nil }
    }

    /// `net.bridge.bridge-nf-call-iptables` and its like: whether frames that stay on a bridge pass the packet filter.
    public func setBridgeFiltering(_ isOn: Bool) throws {
        try host.shell(
            "for name in iptables ip6tables; do echo \(isOn ? 1 : 0) >/proc/sys/net/bridge/bridge-nf-call-$name; done")
    }

    private func connect(
        _ machine: LabNamespace, by link: String, _ near: KeyPath<PortFamily, String>,
        _ far: KeyPath<PortFamily, String>
    ) throws {
        try host.ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", machine.name)
        let flags = { (family: PortFamily) in "\(family.flags)\n" }
        try host.shell(
            PortFamily.allCases.map { "ip address add \($0.network($0[keyPath: near])) dev \(link) " + flags($0) }
                .joined() + "ip link set \(link) up")
        try machine.shell(
            PortFamily.allCases.map { "ip address add \($0.network($0[keyPath: far])) dev eth0 " + flags($0) }
                .joined() + "ip link set eth0 up\n"
                + PortFamily.allCases.map { "ip \($0.option) route add default via \($0[keyPath: near])" }
                .joined(separator: "\n"))
    }

    private struct Serving: Encodable {
        let serve: String
        let name: String
        let listen: [Port]

        struct Port: Encodable {
            let kind: PortProtocol
            let address: String
            let number: Int

            func encode(to encoder: any Encoder) throws {
                var list = encoder.unkeyedContainer()
                try list.encode(kind)
                try list.encode(address)
                try list.encode(number)
            }
        }
    }

    private struct Done: Decodable {}

    private struct Answers: Decodable {
        let answers: [PortReply]
    }
}
