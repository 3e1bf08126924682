import CNI
import Foundation
import TestSupport
import Testing

/// A network whose chain is `bridge` and `portmap`, in a ``PortLab``, and both plugins called as a runtime calls them.
struct PortNetwork {
    let ports: PortLab
    let backend: PacketFilterBackend
    /// PATH of the plugins.
    var path: String
    /// The first plugin of the chain, with the network's name and version.
    var bridge: BridgeNetwork
    /// Keys of portmap, as JSON members: `"snat": false`.
    var keys = ""
    /// The value of `backend`; nil leaves it out.
    var backendKey: String?

    var name: String { bridge.name }

    /// A network of both families; another number makes another bridge with other addresses.
    init(_ ports: PortLab, _ backend: PacketFilterBackend, number: Int = 1, version: String = "1.0.0") throws {
        self.ports = ports
        self.backend = backend
        backendKey = backend.key
        path = try backend.searchPath(in: ports.lab)
        bridge = BridgeNetwork(ports.lab)
        bridge.name = "net\(number)"
        bridge.version = version
        bridge.keys = #""isDefaultGateway": true, "bridge": "cni\#(number)""#
        bridge.ipam = PortNetwork.ranges(number, [.ipv4, .ipv6])
    }

    /// The `ipam` object of a network with these families only.
    static func ranges(_ number: Int, _ families: [PortFamily]) -> String {
        let ranges = families.map { #"[{"subnet": "\#($0 == .ipv4 ? "10.\(number).0.0/16" : "fd0\(number)::/64")"}]"# }
        return #"{"type": "host-local", "ranges": [\#(ranges.joined(separator: ", "))]}"#
    }

    /// The address of the bridge.
    func gateway(_ family: PortFamily) -> String {
        let number = name.dropFirst(3)
        return family == .ipv4 ? "10.\(number).0.1" : "fd0\(number)::1"
    }

    /// The address of the container that was attached as that one of the network, counted from 0.
    func address(_ family: PortFamily, ofAttachment number: Int = 0) -> String {
        String(gateway(family).dropLast()) + String(number + 2)
    }

    /// ADD of the bridge, which must succeed: the prevResult for portmap.
    func attach(_ container: Int = 0, interface: String = "eth0") throws -> String {
        let answer = try callBridge("ADD", container, interface: interface)
        try #require(answer.isSuccess, "ADD of the bridge: \(answer)")
        return answer.outcome.outputText
    }

    func callBridge(
        _ command: String, _ container: Int = 0, prevResult: String? = nil, members: String = "",
        interface: String = "eth0", sandbox: String? = nil
    ) throws -> Lab.Answer {
        try ports.lab.call(
            "bridge", command, bridge.configuration(prevResult, members: members),
            sandbox: sandbox ?? ports.containers[container].path, containerID: containerID(container),
            interface: interface, variables: ["PATH": path])
    }

    /// portmap's configuration; `mappings` is the value of `portMappings`, nil leaves `runtimeConfig` out.
    func configuration(_ mappings: String? = nil, prevResult: String? = nil, members: String = "") -> String {
        var parts = [
            #""cniVersion": "\#(bridge.version)", "name": "\#(name)", "type": "portmap""#,
            #""capabilities": {"portMappings": true}"#,
        ]
        if let backendKey { parts.append(#""backend": "\#(backendKey)""#) }
        if !keys.isEmpty { parts.append(keys) }
        if let mappings { parts.append(#""runtimeConfig": {"portMappings": \#(mappings)}"#) }
        if let prevResult { parts.append(#""prevResult": "# + prevResult) }
        if !members.isEmpty { parts.append(members) }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    /// Calls portmap.
    ///
    /// - Parameter sandbox: CNI_NETNS; empty leaves it out.
    func call(
        _ command: String, _ container: Int = 0, _ mappings: String? = nil, prevResult: String? = nil,
        members: String = "", interface: String = "eth0", sandbox: String? = nil, plugin: String = "portmap"
    ) throws -> Lab.Answer {
        var variables = ["PATH": path]
        if let sandbox { variables["CNI_NETNS"] = sandbox }
        return try ports.lab.call(
            plugin, command, configuration(mappings, prevResult: prevResult, members: members),
            sandbox: ports.containers[container].path, containerID: containerID(container), interface: interface,
            variables: variables)
    }

    /// ADD of portmap, which must succeed and answer with its prevResult.
    func publish(
        _ mappings: [PublishedPort], _ container: Int = 0, prevResult: String, interface: String = "eth0",
        at location: SourceLocation = #_sourceLocation
    ) throws {
        try publish(
            PublishedPort.json(mappings), container, prevResult: prevResult, interface: interface, at: location)
    }

    func publish(
        _ mappings: String, _ container: Int = 0, prevResult: String, interface: String = "eth0",
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let answer = try call("ADD", container, mappings, prevResult: prevResult, interface: interface)
        try #require(answer.isSuccess, "\(backend): ADD: \(answer)", sourceLocation: location)
        // Members of objects have no order.
        let (printed, given) = (Data(answer.outcome.output), Data(prevResult.utf8))
        let isSame = try (JSONSerialization.jsonObject(with: printed) as? NSObject)?
            .isEqual(JSONSerialization.jsonObject(with: given))
        #expect(isSame == true, "prevResult is passed on: \(answer)", sourceLocation: location)
    }

    /// A command that must succeed and print nothing.
    func succeed(
        _ command: String, _ container: Int = 0, _ mappings: [PublishedPort]? = nil, prevResult: String? = nil,
        members: String = "", interface: String = "eth0", sandbox: String? = nil,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let answer = try call(
            command, container, mappings.map(PublishedPort.json), prevResult: prevResult, members: members,
            interface: interface, sandbox: sandbox)
        #expect(
            answer.isSuccess && answer.outcome.output.isEmpty, "\(backend): \(command): \(answer)",
            sourceLocation: location)
    }

    func containerID(_ container: Int) -> String { "container-\(container)" }
}

/// An element of `portMappings`.
struct PublishedPort {
    var host: Int
    var container: Int
    var `protocol` = PortProtocol.tcp
    var hostIP: String?
    var range: Int?

    init(
        _ host: Int, _ container: Int, _ protocol: PortProtocol = .tcp, hostIP: String? = nil, range: Int? = nil
    ) {
        self.host = host
        self.container = container
        self.protocol = `protocol`
        self.hostIP = hostIP
        self.range = range
    }

    /// The same port for every protocol.
    static func all(_ host: Int, _ container: Int, hostIP: String? = nil) -> [PublishedPort] {
        PortProtocol.allCases.map { PublishedPort(host, container, $0, hostIP: hostIP) }
    }

    static func json(_ mappings: [PublishedPort]) -> String {
        let elements = mappings.map { mapping in
            var members =
                #""hostPort": \#(mapping.host), "containerPort": \#(mapping.container), "protocol": "\#(mapping.protocol)""#
            if let address = mapping.hostIP { members += #", "hostIP": "\#(address)""# }
            if let range = mapping.range { members += #", "range": \#(range)"# }
            return "{\(members)}"
        }
        return "[\(elements.joined(separator: ", "))]"
    }
}
