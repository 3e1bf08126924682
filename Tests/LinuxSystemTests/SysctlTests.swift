import Foundation
import LinuxSystem
import SystemPackage
import Testing

@Suite struct SysctlTests {
    @Test func `reads a value without its newline`() throws {
        let expected = try String(contentsOfFile: "/proc/sys/net/ipv4/ip_default_ttl", encoding: .utf8)
        let value = try Sysctl("ipv4", "ip_default_ttl").read()
        #expect(value + "\n" == expected)
        #expect(Int(value) != nil)
    }

    @Test func `names itself by its path`() {
        #expect(Sysctl("ipv4", "conf", "eth0.5", "forwarding").description == "net/ipv4/conf/eth0.5/forwarding")
    }

    @Test(arguments: ["", ".", "..", "a/b", "../../kernel", "a\0", "/"]) func `refuses components that lead elsewhere`(
        component: String
    ) {
        #expect(throws: Errno.invalidArgument) { _ = try Sysctl("ipv4", "conf", component, "forwarding").read() }
        #expect(throws: Errno.invalidArgument) { try Sysctl("ipv4", "conf", component, "forwarding").write("1") }
    }

    @Test func `what is missing is an error`() {
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try Sysctl("ipv4", "conf", "none", "forwarding").read() }
        #expect(throws: Errno.noSuchFileOrDirectory) { try Sysctl("ipv4", "conf", "none", "forwarding").write("1") }
    }
}
