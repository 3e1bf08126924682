import Foundation
import JSON
import TestSupport

/// Rows of `testdata`, read with our own reader where it is not what is tested.
enum TestRows {
    /// The elements of a file that holds a list.
    static func list(_ path: String) throws -> [JSONField] {
        try JSONField(try JSONValue(parsing: Array(try Repository.testData(path)))).elements()
    }

    /// The files of a folder, by their paths in `testdata`.
    static func files(in folder: String) throws -> [String] {
        let root = Repository.root.appending(path: "testdata").appending(path: folder).path
        return try FileManager.default.contentsOfDirectory(atPath: root).sorted().map { folder + "/" + $0 }
    }
}

/// A value as Foundation reads it: compared by it, the order of keys does not count.
func foundation(_ value: JSONValue) throws -> NSDictionary? {
    try JSONSerialization.jsonObject(with: Data(value.text())) as? NSDictionary
}
