import CNI
import CNIExecution
import Foundation
import Glibc
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
    private static func readJSON(_ input: [UInt8]) throws -> Bool {
        guard let value = try? JSONValue(parsing: input) else { return false }
        let text = value.text()
        guard let again = try? JSONValue(parsing: text) else {
            throw FuzzFailure(description: "cannot be read again: \(String(decoding: text, as: UTF8.self))")
        }
        try require(again.text() == text, "\(String(decoding: text, as: UTF8.self)) is read as something else")
        return true
    }

    /// A result of any version can be told in any other that can hold it, and is the same when it comes back.
    private static func readResult(_ input: [UInt8]) throws -> Bool {
        let versions = SpecificationVersion.allCases
        guard let first = input.first, let value = try? JSONValue(parsing: Array(input.dropFirst())) else {
            return false
        }
        let assumed = versions[Int(first) % versions.count]
        guard let result = try? AttachmentResult(JSONField(value), version: assumed) else { return false }
        for version in versions {
            guard let told = try? result.json(version: version) else { continue }
            let again = try AttachmentResult(JSONField(told), version: version)
            let retold = try again.json(version: version)
            try require(told == retold, "\(version): \(told) comes back as \(retold)")
        }
        return (try? result.json(version: .latest)) != nil
    }

    /// A network's configuration, alone and as a list; who removes reads all that others read.
    private static func readConfiguration(_ input: [UInt8]) throws -> Bool {
        let request = try? RequestConfiguration(input)
        let removing = try? RequestConfiguration(input, isRemoving: true)
        if let request {
            try require(Names.isIdentifier(request.network), "a network is called \(request.network)")
            try require(removing?.network == request.network, "DEL reads less than ADD")
        }
        guard let value = try? JSONValue(parsing: input) else { return false }
        _ = try? NetworkConfigurationList(wrapping: JSONField(value))
        guard let list = try? NetworkConfigurationList(JSONField(value)) else { return request != nil }
        try require(Names.isIdentifier(list.name), "a network is called \(list.name)")
        return true
    }

    /// Addresses are those that the C library reads. What is read is the same when it is written and read again.
    private static func readAddress(_ input: [UInt8]) throws -> Bool {
        let text = String(decoding: input, as: UTF8.self)
        var bytes = [UInt8](repeating: 0, count: 16)
        let isKnown = !text.utf8.contains(0) && [AF_INET, AF_INET6].contains { inet_pton($0, text, &bytes) == 1 }
        try require((IPAddress(text) != nil) == isKnown, "inet_pton \(isKnown ? "reads" : "refuses") \(text)")
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
        return isKnown || IPPrefix(text) != nil || MACAddress(text) != nil
    }

    /// Published ports, CNI_ARGS, names and patterns of sysctls, resolver files, owners of leases, base64.
    private static func readWords(_ input: [UInt8]) throws -> Bool {
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
        return true
    }

    /// Files that cnitool keeps.
    private static func readCache(_ input: [UInt8]) throws -> Bool {
        guard let value = try? JSONValue(parsing: input) else { return false }
        var isUnderstood = false
        if let cached = try? CachedAttachment(JSONField(value), of: nil) {
            let again = try CachedAttachment(JSONField(cached.json), of: cached.attachment)
            try require(again == cached, "an attachment comes back different")
            isUnderstood = true
        }
        if let record = try? ContainerRecord(JSONField(value)) {
            try require(try ContainerRecord(JSONField(record.json)) == record, "a container comes back different")
            let lines = HostsFile.text(of: record, among: [record]).split(separator: "\n")
            try require(lines.allSatisfy { !$0.contains("\0") }, "a hosts file holds NUL")
            isUnderstood = true
        }
        if let backup = try? LinkBackup(input), (try? backup.settings()) != nil { isUnderstood = true }
        return isUnderstood
    }
}
