import Foundation
import SystemPackage
import Testing

@testable import LinuxSystem

@Suite struct DirectoryLockTests {
    /// Runs `body` with a folder of its own.
    private func withFolder(_ body: (borrowing Directory, String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "cnit-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(try Directory(path), path)
    }

    @Test func `a lock that somebody holds is not had, and waited for no longer than asked`() throws {
        try withFolder { folder, _ in
            let held = try folder.lock("lock")
            #expect(try folder.tryLock("lock") == nil)
            #expect(try folder.lock("lock", milliseconds: 20) == nil)
            _ = consume held
            // A program that another test starts has it too, between fork and execve.
            #expect(try folder.lock("lock", milliseconds: 10_000) != nil)
            #expect(try folder.tryLock("free") != nil)
            #expect(try folder.lock("free as well", milliseconds: 0) != nil)
        }
    }

    @Test func `a lock that programs inherit is held as long as one of them runs`() throws {
        try withFolder { folder, _ in
            let held = try folder.lock("lock")
            held.setInherited(true)
            let program = try ChildProcess(
                path: "/bin/sleep", arguments: ["0.2"], environment: ProcessEnvironment([]), input: [])
            held.setInherited(false)
            _ = consume held
            #expect(try folder.tryLock("lock") == nil)
            #expect(try program.finish(outputLimit: 10).ending == .exited(status: 0))
            // Other tests may have started programs meanwhile.
            #expect(try folder.lock("lock", milliseconds: 10_000) != nil)
        }
    }

    @Test func `a file is overwritten in its place, whatever its length was`() throws {
        try withFolder { folder, path in
            func inode() throws -> Int? {
                try FileManager.default.attributesOfItem(atPath: path + "/hosts")[.systemFileNumber] as? Int
            }
            try folder.overwrite("hosts", contents: Array("short".utf8))
            let before = try inode()
            for text in ["a longer text\n", "x", ""] {
                try folder.overwrite("hosts", contents: Array(text.utf8))
                #expect(try folder.contents(of: "hosts") == Array(text.utf8))
            }
            #expect(try before != nil && inode() == before)
        }
    }
}
