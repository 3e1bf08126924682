import CNI
import CNIPlugin
import Foundation
import JSON
import LinuxSystem
import NetworkAddress
import SystemPackage

@testable import host_local

extension FuzzTarget {
    /// A folder of leases with any files in it. The first part of the input are commands, a line each, such as `ADD c1 eth0`;
    /// each other part is a file: its name, a line's end, and what it holds.
    static let leases = FuzzTarget(name: "leases") { input in
        let folder = try FuzzFolder()
        defer { folder.remove() }
        let parts = InputParts(input)
        let place = folder.path + "/net"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        for file in parts.from(1) {
            let words = file.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(decoding: words[0], as: UTF8.self)
            guard !name.isEmpty, name != ".", name != "..", name.utf8.count < 200, !name.utf8.contains(0x2F),
                !name.utf8.contains(0)
            else { continue }
            let contents = words.count == 2 ? Array(words[1]) : []
            try Data(contents).write(to: URL(filePath: place + "/" + name))
        }
        try LeaseCase(folder: folder.path).run(parts.text(0).split(separator: "\n").prefix(20).map(String.init))
        return true
    }

    /// What is in the file of an index. Damage is found and healed. With checksums that are right again, as no accident makes
    /// them, answers may be wrong, but reading ends and does not trap, and no address is given away twice.
    static let leaseIndex = FuzzTarget(name: "lease-index") { input in
        guard let first = input.first else { return false }
        let folder = try FuzzFolder()
        defer { folder.remove() }
        let leases = LeaseCase(folder: folder.path)
        try leases.run(["ADD c1 eth0", "ADD c2 eth0"])
        let path = folder.path + "/" + LeaseDirectories.indexDirectory + "/net.index"
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        overwrite(&bytes, input.dropFirst())
        let isSealed = first & 1 == 1
        if isSealed { seal(&bytes) }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.write(contentsOf: bytes)
        try file.close()
        for command in ["CHECK c1 eth0", "ADD c3 eth0", "DEL c2 eth0", "ADD c2 eth1", "GC c3"] {
            if isSealed && !command.hasPrefix("ADD") {
                try? leases.run([command])
            } else {
                try leases.run([command])
            }
        }
        return true
    }

    /// Each run of the input says in two bytes where, in one how many, and then what.
    private static func overwrite(_ bytes: inout [UInt8], _ runs: ArraySlice<UInt8>) {
        var rest = runs
        while rest.count > 3 {
            let header = Array(rest.prefix(3))
            let place = (Int(header[0]) << 8 | Int(header[1])) % bytes.count
            let piece = rest.dropFirst(3).prefix(Int(header[2]) % 64 + 1)
            for (offset, byte) in piece.enumerated() where place + offset < bytes.count { bytes[place + offset] = byte }
            rest = rest.dropFirst(3 + piece.count)
        }
    }

    private static func seal(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { bytes in
            let words = bytes.assumingMemoryBound(to: UInt64.self)
            for block in 0..<(words.count / IndexBlocks.size) {
                let start = block * IndexBlocks.size
                words[start] = IndexBlocks.checksum(block, Array(words[start..<(start + IndexBlocks.size)]))
            }
        }
    }
}

/// Commands of host-local, one after the other, and what has to hold after each.
struct LeaseCase {
    let folder: String

    private static let configuration =
        #"{"cniVersion":"1.1.0","name":"net","type":"host-local","ipam":{"type":"host-local","#
        + #""ranges":[[{"subnet":"10.0.0.0/29"},{"subnet":"10.0.1.0/30"}],[{"subnet":"fd00::/126"}]]}}"#

    func run(_ commands: [String]) throws {
        for command in commands {
            let words = command.split(separator: " ").map(String.init)
            guard words.count >= 2, words.dropFirst().allSatisfy(Names.isIdentifier) else { continue }
            let attachment = Attachment(
                network: "net", containerID: words[1], interfaceName: words.count > 2 ? words[2] : "eth0")
            guard Names.isInterfaceName(attachment.interfaceName) else { continue }
            switch words[0] {
            case "ADD": try add(attachment)
            case "CHECK": try check(attachment)
            case "DEL": try delete(attachment)
            case "GC": try collect(keeping: attachment)
            default: break
            }
        }
    }

    /// Succeeds where the container has an address of each family, and only there.
    private func check(_ attachment: Attachment) throws {
        let owner = LeaseOwner(attachment)
        let named = leases().filter { LeaseOwner.text(of: $0.value).map { Array($0) } == owner.contents }
        // Files of old name the container alone, and count where there are no others.
        let old = leases().filter {
            LeaseOwner.text(of: $0.value).map { Array($0) } == owner.withoutInterface.contents
        }
        let held = (named.isEmpty ? old : named).keys.compactMap { IPAddress($0) }
        let isHeld = LeaseCase.ranges.allSatisfy { ranges in held.contains { ip in ranges.contains { $0.contains(ip) } }
        }
        let request = try request(attachment)
        let isFound = (try? plugin.check(request)) != nil
        try require(isFound == isHeld, "CHECK of \(attachment), which has \(held): \(isFound)")
    }

    /// What the configuration says, as it says it: an address is of a range between the ends that are handed out.
    private static let ranges = [["10.0.0.0/29", "10.0.1.0/30"], ["fd00::/126"]].map { $0.compactMap { IPPrefix($0) } }

    private var plugin: HostLocalPlugin {
        var plugin = HostLocalPlugin()
        plugin.stores = OneFolder(folder: folder)
        return plugin
    }

    /// Every address is free before, and the container's afterwards; when there is none, nobody's lease changes.
    private func add(_ attachment: Attachment) throws {
        let before = leases()
        let result: AttachmentResult
        do { result = try plugin.add(try request(attachment)) } catch {
            try require(owned(leases()) == owned(before), "a failed ADD (\(error)) made \(leases()) of \(before)")
            return
        }
        let after = leases()
        let owner = LeaseOwner(attachment)
        for address in result.ips.map(\.address.address.description) {
            try require(before[address].flatMap { LeaseOwner.text(of: $0) } == nil, "\(address) was somebody's")
            try require(after[address] == owner.contents, "the lease of \(address) is \(after[address] ?? [])")
        }
        try require(result.ips.count == 2, "\(result.ips.count) addresses of two ranges")
        for (name, contents) in before where LeaseOwner.text(of: contents) != nil {
            try require(after[name] == contents, "\(name) has changed")
        }
    }

    /// What was the container's is gone, and nothing else.
    private func delete(_ attachment: Attachment) throws {
        let before = leases()
        try plugin.delete(
            DetachRequest(
                attachment: attachment, sandbox: nil, configuration: try configuration(),
                execution: Execution(environment: ProcessEnvironment([]), input: [])))
        let after = leases()
        let owner = LeaseOwner(attachment)
        let own = before.filter { LeaseOwner.text(of: $0.value).map { Array($0) } == owner.contents }
        for (name, contents) in before {
            guard LeaseOwner.text(of: contents) != nil, own[name] == nil else { continue }
            // Files of old name the container alone, and count where there are no others.
            if own.isEmpty, LeaseOwner(contents: contents) == owner.withoutInterface { continue }
            try require(after[name] == contents, "DEL of \(attachment) took \(name)")
        }
        for name in own.keys { try require(after[name] == nil, "DEL of \(attachment) left \(name)") }
    }

    private func collect(keeping attachment: Attachment) throws {
        let before = leases()
        try plugin.collectGarbage(
            NetworkRequest(
                configuration: try configuration(),
                execution: Execution(environment: ProcessEnvironment([]), input: [])), living: [attachment])
        let owner = LeaseOwner(attachment)
        let after = leases()
        for (name, contents) in before {
            let found = LeaseOwner(contents: contents)
            if found == nil && LeaseOwner.text(of: contents) != nil || found == owner {
                try require(after[name] == contents, "GC took \(name), which is \(found.map { "\($0)" } ?? "nobody's")")
            } else if let found, found != owner.withoutInterface {
                try require(after[name] == nil, "GC left \(name) to \(found)")
            }
        }
    }

    private func owned(_ leases: [String: [UInt8]]) -> [String: [UInt8]] {
        leases.filter { LeaseOwner.text(of: $0.value) != nil }
    }

    /// What the files say that have the name of an address.
    private func leases() -> [String: [UInt8]] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/net")) ?? []
        let addresses = names.filter { IPAddress($0)?.description == $0 }
        return Dictionary(
            uniqueKeysWithValues: addresses.map { name in
                (name, [UInt8](FileManager.default.contents(atPath: folder + "/net/" + name) ?? Data()))
            })
    }

    private func configuration() throws -> RequestConfiguration {
        try RequestConfiguration(Array(LeaseCase.configuration.utf8))
    }

    private func request(_ attachment: Attachment) throws -> AttachRequest {
        AttachRequest(
            attachment: attachment, sandbox: Sandbox(path: "/proc/self/ns/net", namespace: try NetworkNamespace.own()),
            configuration: try configuration(), execution: Execution(environment: ProcessEnvironment([]), input: []))
    }
}
