internal import CNI
internal import Foundation
internal import LinuxSystem
internal import NetworkAddress
internal import Testing

@testable internal import host_local

@Suite struct LeaseDirectoryTests {
    private let temporary: TemporaryDirectory
    private let location: LeaseLocation

    init() throws {
        temporary = try TemporaryDirectory(inMemory: true)
        location = LeaseLocation(dataDirectory: temporary.path + "/data", network: "net")
    }

    private var indexPath: String { "\(location.dataDirectory)/.host-local/net.index" }

    private func path(_ name: String) -> String { "\(location)/\(name)" }

    private func open(creating: Bool = true) throws -> any LeaseStore {
        try #require(try LeaseDirectories().open(location, creating: creating))
    }

    private func file(_ name: String) -> String? {
        FileManager.default.contents(atPath: path(name)).map { String(decoding: $0, as: UTF8.self) }
    }

    private func write(_ text: String, _ name: String) throws {
        try FileManager.default.createDirectory(atPath: location.description, withIntermediateDirectories: true)
        // In place: Foundation would write another file and rename it.
        let file = try #require(fopen(path(name), "w"))
        defer { fclose(file) }
        #expect(fwrite(text, 1, text.utf8.count, file) == text.utf8.count)
    }

    private func names() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: location.description))
    }

    private func owner(_ container: String) -> LeaseOwner { LeaseOwner(containerID: container, interfaceName: "eth0") }

    private func take(_ text: String, _ container: String) throws -> Bool {
        let store = try open()
        defer { try? store.synchronize() }
        return try store.reserve(address(text), for: owner(container))
    }

    private func addresses(_ container: String) throws -> [String] {
        try open().addresses(of: owner(container)).map(\.description)
    }

    private func free(from first: String = "10.1.0.2") throws -> String? {
        try open().firstFree(in: address(first)...address("10.1.0.254"))?.description
    }

    /// Whether the index is a copy of the directory as it is now, so that the next command reads no leases.
    private func indexIsCurrent() throws -> Bool {
        let directory = try Directory(location.description)
        let status = try directory.status()
        let boot = IndexHash.of(try Files.contents(of: "/proc/sys/kernel/random/boot_id", limit: 64))
        let index = LeaseIndex(try Directory(location.dataDirectory + "/.host-local").wordFile("net.index"))
        return index.load(LeaseIndex.State(boot: boot, directory: status.identity, modified: status.modified))
    }

    @Test func `the files are those of the reference`() throws {
        let store = try open()
        #expect(try store.reserve(address("10.1.0.5"), for: owner("abc")))
        #expect(try store.reserve(address("fd00:0:0:1::5"), for: owner("abc")))
        try store.setLastReserved(address("10.1.0.5"), set: 0)
        try store.setLastReserved(address("fd00:0:0:1::5"), set: 1)
        try store.setLastReserved(address("fd00::5"), set: 1)
        try store.synchronize()
        #expect(try names() == ["10.1.0.5", "fd00:0:0:1::5", "last_reserved_ip.0", "last_reserved_ip.1", "lock"])
        #expect(file("10.1.0.5") == "abc\r\neth0")
        #expect(file("last_reserved_ip.0") == "10.1.0.5")
        #expect(file("last_reserved_ip.1") == "fd00::5")
        #expect(try store.lastReserved(set: 1) == address("fd00::5"))
        #expect(try store.lastReserved(set: 2) == nil)
    }

    @Test func `leases are found, kept from others and given back`() throws {
        #expect(try take("10.1.0.2", "a"))
        #expect(try !take("10.1.0.2", "b"))
        #expect(try free() == "10.1.0.3")
        #expect(try addresses("a") == ["10.1.0.2"])
        #expect(try addresses("b") == [])
        do {
            let store = try open()
            try store.release(address("10.1.0.2"))
            try store.release(address("10.1.0.77"))
            try store.synchronize()
        }
        #expect(try addresses("a") == [])
        #expect(try free() == "10.1.0.2")
        #expect(try indexIsCurrent())
    }

    @Test func `where there is no directory, none is made unless asked for`() throws {
        #expect(try LeaseDirectories().open(location, creating: false) == nil)
        #expect(!FileManager.default.fileExists(atPath: location.dataDirectory))
    }

    @Test func `after each change of ours the index is current`() throws {
        #expect(try take("10.1.0.2", "a"))
        #expect(try indexIsCurrent())
        #expect(try take("10.1.0.3", "b"))
        #expect(try indexIsCurrent())
    }

    @Test func `a directory filled by hand is indexed by the first look at it`() throws {
        for number in 2...9 { try write("c\(number)\r\neth0", "10.1.0.\(number)") }
        try write("someone", "10.1.0.10")
        try write("kept for the printer\n", "10.1.0.11")
        try write("not an address", "notes.txt")
        try FileManager.default.createDirectory(atPath: path("10.1.0.12"), withIntermediateDirectories: true)
        #expect(try free() == "10.1.0.13")
        #expect(try indexIsCurrent())
        #expect(try addresses("c7") == ["10.1.0.7"])
        #expect(try addresses("someone") == ["10.1.0.10"])
        #expect(file("notes.txt") == "not an address")
    }

    @Test func `what others add, remove and rename is noticed`() throws {
        #expect(try take("10.1.0.2", "a"))
        try write("b\r\neth0", "10.1.0.3")
        #expect(try free() == "10.1.0.4")
        #expect(try addresses("b") == ["10.1.0.3"])
        try FileManager.default.removeItem(atPath: path("10.1.0.2"))
        #expect(try free() == "10.1.0.2")
        #expect(try addresses("a") == [])
        try FileManager.default.moveItem(atPath: path("10.1.0.3"), toPath: path("10.1.0.2"))
        #expect(try addresses("b") == ["10.1.0.2"])
        #expect(try free() == "10.1.0.3")
    }

    @Test func `a lease that changed hands in place is not taken for its old owner's`() throws {
        #expect(try take("10.1.0.2", "a"))
        try write("b\r\neth0", "10.1.0.2")
        #expect(try indexIsCurrent(), "writing in place leaves the directory's time as it is")
        #expect(try addresses("a") == [])
        #expect(try addresses("b") == ["10.1.0.2"])
    }

    @Test func `a directory that was removed and made again is another one`() throws {
        #expect(try take("10.1.0.2", "a"))
        try FileManager.default.removeItem(atPath: location.description)
        #expect(try free() == "10.1.0.2")
        #expect(try addresses("a") == [])
    }

    @Test(arguments: [0, 1, 100, 512, 4096, 8191])
    func `an index cut short is made anew`(length: Int) throws {
        #expect(try take("10.1.0.2", "a"))
        #expect(truncate(indexPath, length) == 0)
        #expect(try addresses("a") == ["10.1.0.2"])
        #expect(try free() == "10.1.0.3")
        #expect(try !take("10.1.0.2", "b"))
        #expect(try take("10.1.0.3", "b"))
        #expect(try addresses("b") == ["10.1.0.3"])
        #expect(try indexIsCurrent())
    }

    @Test func `whichever word of the index is damaged, answers are right`() throws {
        for number in 2...30 { #expect(try take("10.1.0.\(number)", "c\(number)")) }
        let good = try #require(FileManager.default.contents(atPath: indexPath))
        // Every block that holds anything has a non-zero checksum; strides hit header, owners and nodes alike.
        for offset in stride(from: 0, to: good.count, by: 264) {
            var bad = good
            bad[bad.startIndex + offset] ^= 0x41
            #expect(FileManager.default.createFile(atPath: indexPath, contents: bad))
            #expect(try free() == "10.1.0.31")
            #expect(try addresses("c17") == ["10.1.0.17"])
        }
    }

    @Test func `noise in place of an index is no index`() throws {
        #expect(try take("10.1.0.2", "a"))
        #expect(
            FileManager.default.createFile(
                atPath: indexPath, contents: Data((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 37) })))
        #expect(try addresses("a") == ["10.1.0.2"])
        #expect(try indexIsCurrent())
    }

    @Test func `the index of another network, put in its place, is not believed`() throws {
        #expect(try take("10.1.0.2", "a"))
        let other = LeaseLocation(dataDirectory: location.dataDirectory, network: "other")
        do {
            let store = try #require(try LeaseDirectories().open(other, creating: true))
            #expect(try store.reserve(address("10.1.0.9"), for: owner("z")))
            try store.synchronize()
        }
        try FileManager.default.removeItem(atPath: indexPath)
        try FileManager.default.copyItem(atPath: "\(location.dataDirectory)/.host-local/other.index", toPath: indexPath)
        #expect(try addresses("a") == ["10.1.0.2"])
        #expect(try addresses("z") == [])
    }

    @Test func `an index of an earlier state is not believed`() throws {
        #expect(try take("10.1.0.2", "a"))
        let old = try #require(FileManager.default.contents(atPath: indexPath))
        #expect(try take("10.1.0.3", "b"))
        #expect(FileManager.default.createFile(atPath: indexPath, contents: old))
        #expect(try free() == "10.1.0.4")
        #expect(try addresses("b") == ["10.1.0.3"])
    }

    @Test func `a command that was killed after its change is healed by the next one`() throws {
        #expect(try take("10.1.0.2", "a"))
        do {
            // Killed before it could synchronize: the lease is there, the index knows nothing of it.
            let store = try open()
            #expect(try store.reserve(address("10.1.0.3"), for: owner("b")))
        }
        #expect(try !indexIsCurrent())
        #expect(try addresses("b") == ["10.1.0.3"])
        #expect(try free() == "10.1.0.4")
        #expect(try indexIsCurrent())
    }

    @Test func `what a killed command left half-written is removed, and is never a lease`() throws {
        try write("a\r\neth0", ".10.1.0.2.new")
        try write("10.1.0.2", ".last_reserved_ip.0.new")
        try write("mine", ".notes.new")
        #expect(try addresses("a") == [])
        #expect(try free() == "10.1.0.2")
        #expect(try names() == [".notes.new", "lock"])
        #expect(try take("10.1.0.2", "b"))
    }

    @Test(arguments: ["", "\r\n", "\u{0}\u{0}\u{0}\u{0}", "ab\u{0}\u{0}"])
    func `a file that a crash left empty is taken over`(torn: String) throws {
        try write(torn, "10.1.0.2")
        try write("c\r\neth0", "10.1.0.3")
        #expect(try free() == "10.1.0.2")
        #expect(try take("10.1.0.2", "a"))
        #expect(file("10.1.0.2") == "a\r\neth0")
        #expect(try addresses("a") == ["10.1.0.2"])
        #expect(try names() == ["10.1.0.2", "10.1.0.3", "lock"])
    }

    @Test func `a lease of which the index does not know is not taken`() throws {
        #expect(try take("10.1.0.2", "a"))
        let store = try open()
        // Somebody without the lock, after the index was looked at.
        try write("b\r\neth0", "10.1.0.3")
        #expect(try !store.reserve(address("10.1.0.3"), for: owner("c")))
        #expect(try store.firstFree(in: address("10.1.0.2")...address("10.1.0.9")) == address("10.1.0.4"))
        #expect(file("10.1.0.3") == "b\r\neth0")
    }

    @Test func `leases of old are found by their container where there is none of its interface`() throws {
        try write("a", "10.1.0.2")
        #expect(try addresses("a") == ["10.1.0.2"])
        #expect(try take("10.1.0.3", "a"))
        #expect(try addresses("a") == ["10.1.0.3"])
    }

    @Test func `without a place for the index, the leases themselves answer`() throws {
        // A file where the directory of the indexes should be.
        try FileManager.default.createDirectory(atPath: location.dataDirectory, withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: location.dataDirectory + "/.host-local", contents: Data()))
        #expect(try take("10.1.0.2", "a"))
        #expect(try !take("10.1.0.2", "b"))
        #expect(try take("10.1.0.3", "b"))
        #expect(try addresses("a") == ["10.1.0.2"])
        #expect(try free() == "10.1.0.4")
    }

    @Test func `an index on a full disk is none, and does no harm`() throws {
        try FileManager.default.createDirectory(
            atPath: location.dataDirectory + "/.host-local", withIntermediateDirectories: true)
        // Every write to this device fails for lack of space.
        try FileManager.default.createSymbolicLink(
            atPath: indexPath, withDestinationPath: "/dev/full")
        #expect(try take("10.1.0.2", "a"))
        #expect(try addresses("a") == ["10.1.0.2"])
        let store = LeaseIndex(try Directory("/dev").wordFile("full"))
        try store.fill([])
        let status = try Directory(location.description).status()
        #expect(throws: (any Error).self) {
            try store.save(LeaseIndex.State(boot: 1, directory: status.identity, modified: status.modified))
        }
    }

    @Test func `many leases, taken and given back in turns, leave the index right`() throws {
        for number in 0..<300 { #expect(try take("10.2.\(number / 256).\(number % 256)", "c\(number)")) }
        for number in stride(from: 0, to: 300, by: 3) {
            let store = try open()
            for held in try store.addresses(of: owner("c\(number)")) { try store.release(held) }
            try store.synchronize()
        }
        #expect(try indexIsCurrent())
        for number in 0..<300 {
            #expect(try addresses("c\(number)") == (number % 3 == 0 ? [] : ["10.2.\(number / 256).\(number % 256)"]))
        }
        #expect(try indexIsCurrent(), "not one of these commands had to read the leases again")
    }
}
