import Foundation
import LinuxSystem
import SystemPackage
import Testing

@Suite struct FilesTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "cnifiles-\(UUID().uuidString)").path

    @Test func `reads regular files, through symbolic links, up to a limit`() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
        try Data(bytes).write(to: URL(filePath: "\(folder)/file"))
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "file")
        #expect(try Files.contents(of: "\(folder)/file") == bytes)
        #expect(try Files.contents(of: "\(folder)/link", limit: 200_000) == bytes)
        #expect(throws: Errno.fileTooLarge) { try Files.contents(of: "\(folder)/file", limit: 199_999) }
        #expect(throws: Errno.noSuchFileOrDirectory) { try Files.contents(of: "\(folder)/none") }
    }

    @Test func `refuses what is no regular file, without waiting for it`() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(mkfifo("\(folder)/fifo", 0o600) == 0)
        for path in ["\(folder)/fifo", folder, "/dev/zero"] {
            #expect(throws: Errno.invalidArgument) { try Files.contents(of: path) }
        }
    }

    @Test func `the working directory is one that leads here`() throws {
        let path = try Files.workingDirectory()
        #expect(path.hasPrefix("/"))
        let here = try FileManager.default.attributesOfItem(atPath: ".")[.systemFileNumber] as? Int
        #expect(try FileManager.default.attributesOfItem(atPath: path + "/.")[.systemFileNumber] as? Int == here)
    }
}
