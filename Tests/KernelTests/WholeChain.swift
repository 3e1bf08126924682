import CNI
import TestSupport

/// A network with everything that runtimes ask for: bridge with host-local, portmap, firewall, tuning. Each container has its
/// port 80 published, TCP and UDP.
struct WholeChain {
    let ports: PortLab
    let backend: PacketFilterBackend
    let network: ChainNetwork

    /// - Parameters:
    ///   - number: another one makes another bridge with other addresses.
    ///   - range: more members of the IPv4 range, such as `"rangeEnd": "10.1.0.4"`.
    init(_ ports: PortLab, _ backend: PacketFilterBackend, number: Int = 1, range: String = "") throws {
        self.ports = ports
        self.backend = backend
        let members = [#""subnet": "10.\#(number).0.0/16""#, range].filter { !$0.isEmpty }.joined(separator: ", ")
        let ipam = #"""
            "ipam": {"type": "host-local", "dataDir": "\#(ports.lab.path("data"))",
            "ranges": [[{\#(members)}], [{"subnet": "fd0\#(number)::/64"}]]}
            """#
        let masquerading = #""ipMasq": true, "ipMasqBackend": "\#(backend.key)", "#
        let keys = #""bridge": "cni\#(number)", "isDefaultGateway": true, "# + masquerading
        let chosen = #""backend": "\#(backend.key)""#
        network = ChainNetwork(
            lab: ports.lab,
            plugins: [
                ("bridge", keys + ipam), ("portmap", chosen),
                ("firewall", chosen + #", "ingressPolicy": "same-bridge""#),
                ("tuning", #""sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1"}"#),
            ],
            path: try backend.searchPath(in: ports.lab), name: "net\(number)")
    }

    /// A container that is attached: what ADD answered, and its addresses.
    struct Attachment: Sendable {
        let text: String
        let addresses: [String]

        /// Without the prefix length.
        var address: String { addresses.first?.split(separator: "/").first.map(String.init) ?? "" }
    }

    /// A plugin failed. Thrown, because in a thread that a test started an expectation belongs to no test.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// ADD, which must succeed; `port` of the host leads to port 80 of the container.
    func add(_ containerID: String, _ sandbox: LabNamespace, port: Int) throws -> Attachment {
        let answers = try call("ADD", containerID, sandbox.path, port: port)
        try requireSuccess(answers, "ADD of \(containerID)")
        guard let last = answers.last else { throw Failure(description: "there is no plugin") }
        return Attachment(text: last.outcome.outputText, addresses: try last.result().ips.map { "\($0.address)" })
    }

    /// Another command, which must succeed.
    func succeed(
        _ command: String, _ containerID: String, _ sandbox: LabNamespace, port: Int, prevResult: String? = nil
    ) throws {
        let answers = try call(command, containerID, sandbox.path, port: port, prevResult: prevResult)
        try requireSuccess(answers, "\(command) of \(containerID)")
    }

    /// GC after which these containers are all that the network has.
    func collectGarbage(keeping living: [String]) throws {
        let attachments = living.map { #"{"containerID": "\#($0)", "ifname": "eth0"}"# }.joined(separator: ", ")
        let members = #""cni.dev/valid-attachments": [\#(attachments)]"#
        try requireSuccess(try network.call("GC", sandbox: "", members: members, timeout: 120), "GC")
    }

    private func requireSuccess(_ answers: [Lab.Answer], _ what: String) throws {
        for answer in answers where !answer.isSuccess {
            throw Failure(description: "\(backend), \(network.name): \(what): \(answer)")
        }
    }

    private func call(
        _ command: String, _ containerID: String, _ sandbox: String, port: Int, prevResult: String? = nil
    ) throws -> [Lab.Answer] {
        let mappings = PublishedPort.json([PublishedPort(port, 80), PublishedPort(port, 80, .udp)])
        return try network.call(
            command, sandbox: sandbox, containerID: containerID,
            members: #""runtimeConfig": {"portMappings": \#(mappings)}"#, prevResult: prevResult, timeout: 120)
    }
}
