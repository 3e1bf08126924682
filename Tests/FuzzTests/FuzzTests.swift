import Foundation
import TestSupport
import Testing

/// What must hold for any bytes, tried on those of `testdata/fuzz`: examples to begin with, and what once failed.
///
/// `scripts/fuzz` builds these tests with libFuzzer in them, which then makes more inputs of these.
@Suite(.serialized) struct FuzzTests {
    @Test(.timeLimit(.minutes(5)), arguments: Fuzzer.requested ?? FuzzTarget.all)
    func `holds for every input on record`(target: FuzzTarget)
        throws
    {
        // It is given the same inputs, and says of which it ends.
        if let fuzzer = Fuzzer(for: target) { try fuzzer.run() }
        let inputs = try InputFolder(target).inputs()
        #expect(!inputs.isEmpty, "there is nothing in testdata/fuzz/\(target.name)")
        for input in inputs {
            let path = "testdata/fuzz/\(target.name)/\(input.name)"
            // One that traps ends all tests, and could not be named afterwards.
            FileHandle.standardError.write(Data("trying \(path)\n".utf8))
            do {
                let isUnderstood = try target.run(input.bytes)
                #expect(isUnderstood || input.name.hasPrefix("refused-"), "\(path) is refused, and tries nothing")
            } catch {
                Issue.record(error, "\(path)")
            }
        }
    }

    @Test func `every folder of inputs belongs to a target`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: InputFolder.root.path)
        #expect(Set(folders).subtracting(["dictionary"]) == Set(FuzzTarget.all.map { $0.name }))
    }
}

/// The inputs of one target.
private struct InputFolder {
    static let root = Repository.root.appending(path: "testdata/fuzz")

    private let folder: URL

    init(_ target: FuzzTarget) { folder = InputFolder.root.appending(path: target.name) }

    func inputs() throws -> [(name: String, bytes: [UInt8])] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, [UInt8](try Data(contentsOf: folder.appending(path: name))))
        }
    }
}
