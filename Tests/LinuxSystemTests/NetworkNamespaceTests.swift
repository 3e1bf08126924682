import Foundation
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct NetworkNamespaceTests {
    @Test func `opens its own`() throws {
        let own = try NetworkNamespace.own()
        #expect(own.isSame(as: try NetworkNamespace(path: "/proc/self/ns/net")))
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(own.number)").hasPrefix("net:["))
    }

    @Test(.needsLab) func `tells namespaces apart`() throws {
        let lab = try Lab(containers: 2)
        let namespaces = try ([lab.host] + lab.containers).map { try NetworkNamespace(path: $0.path) }
        #expect(!namespaces[0].isSame(as: namespaces[1]))
        #expect(!namespaces[1].isSame(as: namespaces[2]))
        #expect(!namespaces[0].isSame(as: try .own()))
        #expect(namespaces[1].isSame(as: try NetworkNamespace(path: lab.container.path)))
    }

    @Test(arguments: ["mnt", "pid", "uts", "ipc", "user", "cgroup"]) func `refuses namespaces of other types`(
        type: String
    ) {
        #expect(throws: NetworkNamespace.Failure.notNetworkNamespace) {
            try NetworkNamespace(path: "/proc/self/ns/\(type)")
        }
    }

    @Test(arguments: ["/etc/passwd", "/", "/dev/null", "/proc/self/status", "/proc/self/ns"])
    func `refuses other files`(path: String) {
        #expect(throws: NetworkNamespace.Failure.notNetworkNamespace) { try NetworkNamespace(path: path) }
    }

    @Test(.timeLimit(.minutes(1))) func `refuses a fifo without waiting for it`() throws {
        let folder = try ScriptFolder()
        #expect(mkfifo(folder.path + "/fifo", 0o600) == 0)
        #expect(throws: NetworkNamespace.Failure.notNetworkNamespace) {
            try NetworkNamespace(path: folder.path + "/fifo")
        }
    }

    @Test func `a path that leads nowhere says so`() {
        #expect(throws: NetworkNamespace.Failure.cannotOpen(.noSuchFileOrDirectory)) {
            try NetworkNamespace(path: "/run/netns/none")
        }
        #expect(throws: NetworkNamespace.Failure.cannotOpen(.noSuchFileOrDirectory)) { try NetworkNamespace(path: "") }
    }

    @Test func `refused files are closed again`() throws {
        for _ in 0..<50 { _ = try? NetworkNamespace(path: "/proc/self/ns/uts") }
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        let leaked = open.filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?.hasPrefix("uts:")
                == true
        }
        #expect(leaked.count < 10)
    }
}
