public import Foundation

/// Where the files of this project are.
public enum Repository {
    /// The folder that holds Package.swift.
    public static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A file of `testdata`, by its path there.
    public static func testData(_ path: String) throws -> Data {
        try Data(contentsOf: root.appending(path: "testdata").appending(path: path))
    }
}
