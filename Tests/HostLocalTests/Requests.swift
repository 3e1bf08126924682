internal import CNI
internal import CNIPlugin
internal import Foundation
internal import JSON
internal import LinuxSystem
internal import NetworkAddress

@testable internal import host_local

/// Builds what the plugin is called with.
enum Requests {
    static let execution = Execution(environment: ProcessEnvironment([]), input: [])

    static func configuration(
        ipam: JSONValue, version: String = "1.0.0", network: String = "net", _ more: JSONObject = [:]
    ) throws -> RequestConfiguration {
        var document: JSONObject = ["cniVersion": .string(version), "name": .string(network), "ipam": ipam]
        for member in more.members { document[member.key] = member.value }
        return try RequestConfiguration(JSONValue.object(document).text())
    }

    static func attachment(_ container: String, _ interface: String = "eth0") -> Attachment {
        Attachment(network: "net", containerID: container, interfaceName: interface)
    }

    static func attach(_ attachment: Attachment, _ configuration: RequestConfiguration) throws -> AttachRequest {
        let path = "/proc/self/ns/net"
        let sandbox = Sandbox(path: path, namespace: try NetworkNamespace(path: path))
        return AttachRequest(
            attachment: attachment, sandbox: sandbox, configuration: configuration, execution: execution)
    }

    static func detach(_ attachment: Attachment, _ configuration: RequestConfiguration) -> DetachRequest {
        DetachRequest(attachment: attachment, sandbox: nil, configuration: configuration, execution: execution)
    }

    static func network(_ configuration: RequestConfiguration) -> NetworkRequest {
        NetworkRequest(configuration: configuration, execution: execution)
    }
}

/// Makes an address or a network of a text that is one.
func address(_ text: String) throws -> IPAddress {
    guard let address = IPAddress(text) else { throw NotAnAddress(text: text) }
    return address
}

func prefix(_ text: String) throws -> IPPrefix {
    guard let prefix = IPPrefix(text) else { throw NotAnAddress(text: text) }
    return prefix
}

struct NotAnAddress: Error { let text: String }

/// A directory for one test, removed with it.
final class TemporaryDirectory {
    let path: String

    /// - Parameter inMemory: on tmpfs where there is one, so that hundreds of changes do not wait for a disk.
    init(inMemory: Bool = false) throws {
        let memory = "/dev/shm"
        let folder =
            inMemory && FileManager.default.isWritableFile(atPath: memory)
            ? URL(filePath: memory) : FileManager.default.temporaryDirectory
        path = folder.appending(path: "host-local-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
