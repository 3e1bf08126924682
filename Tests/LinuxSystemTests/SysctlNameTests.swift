import Foundation
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct SysctlNameTests {
    @Test(
        arguments: [
            ("net.core.somaxconn", "net/core/somaxconn"), ("net/core/somaxconn", "net/core/somaxconn"),
            ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
            ("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"),
            ("net.ipv4/conf.all", "net/ipv4.conf/all"), ("net/a..b/c", "net/a..b/c"), ("net/a/...", "net/a/..."),
            ("net.é.x", "net/é/x"),
        ]) func `either separator`(name: String, path: String) throws
    {
        #expect(Sysctl(name: name)?.description == path)
    }

    @Test(
        arguments: [
            "", "net", "net.", "net/", ".net.core.x", "/net/core/x", "/proc/sys/net/core/x", "net..x", "net//x",
            "net.core.x.", "net/core/x/", "net/../kernel/core_pattern", "net/./core/x", "net/..", "kernel.core_pattern",
            "kernel/core_pattern", "xnet.core.x", "netx.core.x", "NET.core.x", "net.core.\0", "net/\0/x",
            "net.//.x", "net./.x", "../net/core/x", "net.core.//.x",
        ]) func `names that lead elsewhere are none`(name: String)
    {
        #expect(Sysctl(name: name) == nil)
    }
}

@testable import LinuxSystem

@Suite struct SysctlPathTests {
    @Test func `no symbolic link is followed, at the end or on the way`() throws {
        let folder = try ScriptFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/a/b", withIntermediateDirectories: true)
        try "1\n".write(toFile: folder.path + "/a/b/c", atomically: false, encoding: .utf8)
        symlink("b", folder.path + "/a/link")
        symlink("c", folder.path + "/a/b/link")
        // As on kernels that know openat2, and as on others.
        func atOnce(_ names: String...) throws -> [UInt8] {
            let path = ([folder.path] + names).joined(separator: "/")
            return try OwnedDescriptor(openingWithoutLinks: path, O_RDONLY).readAll(limit: 10)
        }
        func stepByStep(_ names: String...) throws -> [UInt8] {
            let root = try OwnedDescriptor(opening: folder.path, O_RDONLY | O_DIRECTORY)
            return try root.descendant(names[...], O_RDONLY).readAll(limit: 10)
        }
        #expect(try atOnce("a", "b", "c") == Array("1\n".utf8) && stepByStep("a", "b", "c") == Array("1\n".utf8))
        #expect(throws: Errno.tooManySymbolicLinkLevels) { _ = try atOnce("a", "link", "c") }
        #expect(throws: Errno.notDirectory) { _ = try stepByStep("a", "link", "c") }
        #expect(throws: Errno.tooManySymbolicLinkLevels) { _ = try atOnce("a", "b", "link") }
        #expect(throws: Errno.tooManySymbolicLinkLevels) { _ = try stepByStep("a", "b", "link") }
    }
}
