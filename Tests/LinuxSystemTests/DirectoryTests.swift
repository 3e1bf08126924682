import Foundation
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct DirectoryTests {
    private let folder: ScriptFolder
    private let path: String

    init() throws {
        folder = try ScriptFolder()
        path = folder.path + "/d"
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

    @Test func `makes missing folders, and opens those that are there`() throws {
        for _ in 1...2 { _ = try Directory(creating: path + "/a/b/c") }
        #expect(try names() == ["a"])
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try Directory(path + "/x") }
        try folder.write("file", "")
        #expect(throws: Errno.notDirectory) { _ = try Directory(folder.path + "/file") }
        #expect(throws: Errno.notDirectory) { _ = try Directory(creating: folder.path + "/file/below") }
    }

    @Test func `create makes a file whole and leaves nothing else`() throws {
        let directory = try Directory(creating: path)
        let large = [UInt8](repeating: 7, count: 300_000)
        try directory.create("a", contents: large)
        try directory.create("empty", contents: [])
        #expect(try names() == ["a", "empty"])
        #expect(try directory.contents(of: "a") == large)
        #expect(try directory.contents(of: "empty") == [])
        #expect(try directory.contains("a"))
        #expect(try !directory.contains("b"))
        #expect(Set(try directory.names()) == ["a", "empty"])
    }

    @Test func `create never replaces`() throws {
        let directory = try Directory(creating: path)
        try directory.create("a", contents: [1])
        #expect(throws: Errno.fileExists) { try directory.create("a", contents: [2]) }
        #expect(try directory.contents(of: "a") == [1])
        #expect(try names() == ["a"])
    }

    @Test func `replace makes and replaces, and readers see the old file or the new one`() throws {
        let directory = try Directory(creating: path)
        try directory.replace("a", contents: [UInt8](repeating: 1, count: 5000))
        let reader = try FileHandle(forReadingFrom: URL(filePath: path + "/a"))
        try directory.replace("a", contents: [2])
        #expect(try directory.contents(of: "a") == [2])
        #expect(try reader.readToEnd()?.count == 5000)
        #expect(try names() == ["a"])
    }

    @Test(arguments: ["", "a/b", "/a", "..", ".", "a\0b", "../d"]) func `a name is one component`(name: String) throws {
        let directory = try Directory(creating: path)
        #expect(throws: Errno.invalidArgument) { try directory.create(name, contents: []) }
        #expect(throws: Errno.invalidArgument) { try directory.replace(name, contents: []) }
        #expect(throws: Errno.invalidArgument) { _ = try directory.contents(of: name) }
        #expect(throws: Errno.invalidArgument) { try directory.remove(name) }
        #expect(throws: Errno.invalidArgument) { _ = try directory.contains(name) }
        #expect(throws: Errno.invalidArgument) { _ = try directory.subdirectory(name) }
        #expect(throws: Errno.invalidArgument) { _ = try directory.lock(name) }
        #expect(try names() == [])
    }

    @Test func `a temporary file that a killed process left is no obstacle`() throws {
        let directory = try Directory(creating: path)
        try Data([9, 9, 9]).write(to: URL(filePath: path + "/.a.new"))
        try directory.create("a", contents: [1])
        #expect(try directory.contents(of: "a") == [1])
        #expect(try names() == ["a"])
    }

    @Test(.timeLimit(.minutes(1)))
    func `a fifo or a link in place of the temporary file neither holds up nor is followed`() throws {
        let directory = try Directory(creating: path)
        try folder.write("outside", "", contents: "kept")
        for make in [{ mkfifo($0, 0o600) }, { symlink(folder.path + "/outside", $0) }] as [(String) -> CInt] {
            #expect(make(path + "/.a.new") == 0)
            // The first attempt may fail, but it clears the way.
            try? directory.replace("a", contents: [1])
            try directory.replace("a", contents: [2])
            #expect(try names() == ["a"])
            #expect(try directory.contents(of: "a") == [2])
        }
        #expect(try folder.read("outside") == "kept")
    }

    @Test(.timeLimit(.minutes(1))) func `only regular files are read, and only up to the limit`() throws {
        let directory = try Directory(creating: path)
        #expect(mkfifo(path + "/fifo", 0o600) == 0)
        #expect(symlink("/etc/passwd", path + "/link") == 0)
        #expect(mkdir(path + "/folder", 0o755) == 0)
        try directory.create("file", contents: [UInt8](repeating: 1, count: 5000))
        #expect(throws: Errno.invalidArgument) { _ = try directory.contents(of: "fifo") }
        #expect(throws: Errno.tooManySymbolicLinkLevels) { _ = try directory.contents(of: "link") }
        #expect(throws: Errno.invalidArgument) { _ = try directory.contents(of: "folder") }
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try directory.contents(of: "missing") }
        #expect(throws: Errno.fileTooLarge) { _ = try directory.contents(of: "file", limit: 4999) }
        #expect(try directory.contents(of: "file", limit: 5000).count == 5000)
        #expect(try directory.contains("link"))
    }

    @Test func `subdirectories are opened but not through links`() throws {
        let directory = try Directory(creating: path)
        _ = try Directory(creating: path + "/sub")
        #expect(symlink(path + "/sub", path + "/link") == 0)
        try directory.subdirectory("sub").create("a", contents: [1])
        #expect(FileManager.default.fileExists(atPath: path + "/sub/a"))
        #expect(throws: (any Error).self) { _ = try directory.subdirectory("link") }
    }

    @Test func `remove says whether there was something`() throws {
        let directory = try Directory(creating: path)
        try directory.create("a", contents: [])
        #expect(try directory.remove("a"))
        #expect(try !directory.remove("a"))
        #expect(try names() == [])
    }

    @Test func `names that are not UTF-8 are no trap`() throws {
        let directory = try Directory(creating: path)
        let made = try Subprocess.run("/bin/sh", ["-c", "cd '\(path)' && : >\"$(printf '\\377')\""])
        #expect(made.isSuccess)
        #expect(try directory.names().count == 1)
    }

    @Test func `one holder of a lock at a time`() throws {
        _ = try Directory(creating: path)
        let log = Log()
        let threads = (0..<4).map { _ in
            Thread {
                if let directory = try? Directory(path) {
                    for _ in 0..<25 {
                        guard let lock = try? directory.lock("lock") else { continue }
                        log.enter()
                        usleep(100)
                        log.leave()
                        _ = consume lock
                    }
                }
                log.end()
            }
        }
        for thread in threads { thread.start() }
        #expect(waitUntil(seconds: 30) { log.ended == 4 })
        #expect(log.entries == 100)
        #expect(log.most == 1)
    }

    /// Counts who is inside.
    private final class Log: @unchecked Sendable {
        private let mutex = NSLock()
        private var inside = 0
        private(set) var most = 0
        private(set) var entries = 0
        private var endings = 0

        var ended: Int { mutex.withLock { endings } }
        func end() { mutex.withLock { endings += 1 } }
        func leave() { mutex.withLock { inside -= 1 } }
        func enter() {
            mutex.withLock {
                inside += 1
                entries += 1
                most = max(most, inside)
            }
        }
    }
}
