import CNI
import CNIExecution
import Foundation
import JSON
import LinuxSystem
import NetworkAddress

@testable import CNIContainers
@testable import CNIRuntime
@testable import host_local
@testable import tuning

extension FuzzTarget {
    /// What reads text into values and writes it again.
    static let values = [
        FuzzTarget(name: "json", run: readJSON), FuzzTarget(name: "result", run: readResult),
        FuzzTarget(name: "configuration", run: readConfiguration), FuzzTarget(name: "address", run: readAddress),
        FuzzTarget(name: "words", run: readWords), FuzzTarget(name: "cache", run: readCache),
    ]

    /// What is read from JSON is the same when it has been written and read again.
    private static func readJSON(_ input: [UInt8]) throws {
        guard let value = try? JSONValue(parsing: input) else { return }
        let text = value.text()
        guard let again = try? JSONValue(parsing: text) else {
            throw FuzzFailure(description: "cannot be read again: \(String(decoding: text, as: UTF8.self))")
        }
        try require(again.text() == text, "\(String(decoding: text, as: UTF8.self)) is read as something else")
    }

    /// A result of any version can be told in any other that can hold it, and is the same when it comes back.
    private static func readResult(_ input: [UInt8]) throws {
        let versions = SpecificationVersion.allCases
        guard let first = input.first, let value = try? JSONValue(parsing: Array(input.dropFirst())) else { return }
        let version = versions[Int(first) % versions.count]
        guard let result = try? AttachmentResult(JSONField(value), version: version) else { return }
        for version in versions {
            guard let told = try? result.json(version: version) else { continue }
            let again = try AttachmentResult(JSONField(told), version: version)
            let retold = try again.json(version: version)
            try require(told == retold, "\(version): \(told) comes back as \(retold)")
        }
    }

    /// A network's configuration, alone and as a list; what is refused is refused with a sentence.
    private static func readConfiguration(_ input: [UInt8]) throws {
        for isRemoving in [false, true] {
            do { _ = try RequestConfiguration(input, isRemoving: isRemoving) } catch {
                try require("\(error)".count > 5, "refused without a reason")
            }
        }
        guard let value = try? JSONValue(parsing: input) else { return }
        _ = try? NetworkConfigurationList(wrapping: JSONField(value))
        guard let list = try? NetworkConfigurationList(JSONField(value)) else { return }
        try require(Names.isIdentifier(list.name), "a network is called \(list.name)")
    }

    /// Addresses are those that the C library reads, but for what is refused on purpose.
    private static func readAddress(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self)
        if let address = IPAddress(text) {
            try require(IPAddress(address.description) == address, "\(text) is read as \(address), and that as another")
            try require(IPAddress(bytes: address.bytes) == address, "\(address) has other bytes")
        }
        if let prefix = IPPrefix(text) {
            try require(IPPrefix(prefix.description) == prefix, "\(text) is read as \(prefix), and that as another")
            try require(prefix.contains(prefix.address), "\(prefix) does not hold its own address")
        }
        if let mac = MACAddress(text) {
            try require(MACAddress(mac.description) == mac, "\(text) is read as \(mac), and that as another")
        }
    }

    /// The little languages: ports, arguments, patterns, resolver files, owners of leases.
    private static func readWords(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self)
        if let arguments = try? CNIArguments(text) {
            try require(try CNIArguments(arguments.description) == arguments, "CNI_ARGS come back different")
        }
        if let ports = try? PortPublication.all(text.split(separator: " ").map(String.init)) {
            for port in ports {
                try require(port.containerPort > 0, "port 0 is published")
                // A port of the host that is yet to be chosen is no port in a file.
                guard port.hostPort > 0 else { continue }
                try require(try PortPublication(JSONField(port.json)) == port, "\(port) comes back different")
            }
        }
        if let sysctl = Sysctl(name: text) {
            let isWithin = sysctl.components.allSatisfy { !["", ".", ".."].contains($0) && !$0.contains("/") }
            try require(isWithin && !sysctl.components.isEmpty, "\(text) leads to \(sysctl.components)")
        }
        _ = SysctlPattern(text)
        _ = AttachmentResult.DNS(resolverFile: input)
        if let owner = LeaseOwner(contents: input) {
            try require(LeaseOwner(contents: owner.contents) == owner, "an owner's lease names another owner")
        }
        if let bytes = Base64.decode(text) {
            try require(Base64.decode(Base64.encode(bytes)) == bytes, "base64 comes back different")
        }
        try require(Base64.decode(Base64.encode(input)) == input, "base64 loses something")
    }

    /// Files that cnitool keeps.
    private static func readCache(_ input: [UInt8]) throws {
        guard let value = try? JSONValue(parsing: input) else { return }
        if let cached = try? CachedAttachment(JSONField(value), of: nil) {
            let again = try CachedAttachment(JSONField(cached.json), of: cached.attachment)
            try require(again == cached, "an attachment comes back different")
        }
        if let record = try? ContainerRecord(JSONField(value)) {
            try require(try ContainerRecord(JSONField(record.json)) == record, "a container comes back different")
            let lines = HostsFile.text(of: record, among: [record]).split(separator: "\n")
            try require(lines.allSatisfy { !$0.contains("\0") }, "a hosts file holds NUL")
        }
        if let backup = try? LinkBackup(input) { _ = try? backup.settings() }
    }
}
