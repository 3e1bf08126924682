public import CNI
public import CNIPlugin
internal import Foundation
internal import JSON
internal import LinuxSystem

/// A host, a container and delegates, all of them fake, and requests as the dispatcher would make them.
public final class FakeRuntime {
    public let kernel: FakeKernel
    public let programs = FakePrograms()
    public let filters: FakePacketFilter
    public let sandbox: Sandbox
    /// The network stack of the container.
    public let container: FakeNetworkStack

    public var host: FakeNetworkStack { kernel.hostStack }
    public var log: CallLog { kernel.log }

    public init(hasIPv6: Bool = true, echoesLinks: Bool = true) throws {
        kernel = FakeKernel(hasIPv6: hasIPv6, echoesLinks: echoesLinks)
        filters = FakePacketFilter(kernel.log)
        (sandbox, container) = try kernel.makeSandbox()
    }

    /// A configuration with the members of `text`, a JSON object, beside `cniVersion`, `name` and `type`.
    public static func configuration(
        _ text: String, version: String = "1.1.0", network: String = "net", prevResult: AttachmentResult? = nil
    ) throws -> RequestConfiguration {
        try RequestConfiguration(bytes(text, version: version, network: network, prevResult: prevResult))
    }

    private static func bytes(
        _ text: String, version: String, network: String, prevResult: AttachmentResult?
    ) throws -> [UInt8] {
        var object: JSONObject = ["cniVersion": .string(version), "name": .string(network), "type": "plugin"]
        if case .object(let members) = try JSONValue(parsing: Array(text.utf8)) {
            for member in members.members { object[member.key] = member.value }
        }
        if let prevResult, let known = SpecificationVersion(rawValue: version) {
            object["prevResult"] = try prevResult.json(version: known)
        }
        return JSONValue.object(object).text()
    }

    /// A request for ADD or CHECK.
    public func request(
        _ text: String = "{}", version: String = "1.1.0", network: String = "net", containerID: String = "c1",
        interfaceName: String = "eth0", arguments: String = "", prevResult: AttachmentResult? = nil,
        sandbox: Sandbox? = nil
    ) throws -> AttachRequest {
        let input = try FakeRuntime.bytes(text, version: version, network: network, prevResult: prevResult)
        return AttachRequest(
            attachment: Attachment(network: network, containerID: containerID, interfaceName: interfaceName),
            sandbox: sandbox ?? self.sandbox, arguments: try CNIArguments(arguments),
            configuration: try RequestConfiguration(input),
            execution: execution(containerID: containerID, interfaceName: interfaceName, input))
    }

    /// The request for DEL that follows a request for ADD.
    public func detaching(_ request: AttachRequest, hasSandbox: Bool = true) -> DetachRequest {
        DetachRequest(
            attachment: request.attachment, sandbox: hasSandbox ? request.sandbox : nil, arguments: request.arguments,
            configuration: request.configuration, execution: request.execution)
    }

    /// A request for STATUS or GC.
    public func networkRequest(_ text: String = "{}", network: String = "net") throws -> NetworkRequest {
        let input = try FakeRuntime.bytes(text, version: "1.1.0", network: network, prevResult: nil)
        return NetworkRequest(
            configuration: try RequestConfiguration(input),
            execution: execution(containerID: "", interfaceName: "", input))
    }

    private func execution(containerID: String, interfaceName: String, _ input: [UInt8]) -> Execution {
        Execution(
            environment: ProcessEnvironment([
                "CNI_PATH=/opt/cni/bin", "CNI_CONTAINERID=\(containerID)", "CNI_IFNAME=\(interfaceName)",
                "CNI_NETNS=\(sandbox.path)",
            ]), input: input)
    }
}
