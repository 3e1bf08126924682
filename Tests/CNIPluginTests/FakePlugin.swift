import CNI
import CNIPlugin
import Foundation
import LinuxSystem
import NetworkAddress

/// A plugin that writes down its calls and answers as it is told.
final class FakePlugin: Plugin {
    static let summary = "fake: for tests"

    var calls: [String] = []
    var result = AttachmentResult()
    var failure: (any Error)?

    init() {}

    private func record(_ call: String) throws {
        calls.append(call)
        if let failure { throw failure }
    }

    func add(_ request: AttachRequest) throws -> AttachmentResult {
        try record("add \(request.attachment) in \(request.sandbox.path)")
        return result
    }

    func check(_ request: AttachRequest) throws { try record("check \(request.attachment) in \(request.sandbox.path)") }

    func delete(_ request: DetachRequest) throws {
        try record("delete \(request.attachment) in \(request.sandbox?.path ?? "nothing")")
    }

    func status(_ request: NetworkRequest) throws { try record("status \(request.configuration.network)") }

    func collectGarbage(_ request: NetworkRequest, living: Set<Attachment>) throws {
        try record("collect \(living.map(\.description).sorted())")
    }
}

extension Execution {
    /// A call as a runtime makes it, with other values for some variables; an empty value unsets one.
    static func call(_ command: String, _ configuration: String, _ others: [String: String] = [:]) -> Execution {
        var variables = [
            "CNI_COMMAND": command, "CNI_CONTAINERID": "c1", "CNI_NETNS": "/proc/self/ns/net", "CNI_IFNAME": "eth0",
            "CNI_PATH": "/opt/cni/bin", "CNI_NETNS_OVERRIDE": "1",
        ]
        for (name, value) in others { variables[name] = value.isEmpty ? nil : value }
        return Execution(
            environment: ProcessEnvironment(variables.map { "\($0.key)=\($0.value)" }.sorted()),
            input: Array(configuration.utf8))
    }
}
