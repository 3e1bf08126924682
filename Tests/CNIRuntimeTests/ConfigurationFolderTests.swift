import CNI
import CNIRuntime
import Foundation
import JSON
import TestSupport
import Testing

@Suite struct ConfigurationFolderTests {
    /// A folder of files, and the network `blue` in it or the error that asking for it gives. `FOLDER` in an error stands
    /// for the folder.
    struct Row: CustomTestStringConvertible {
        let testDescription: String
        let files: [(name: String, text: String)]
        let expect: JSONField
        let error: String?

        init(_ field: JSONField) throws {
            testDescription = try #require(try field["title"].string())
            files = try field["files"].members().map { name, file in
                if case .string(let text)? = file.value { return (name, text) }
                return (name, String(decoding: (file.value ?? .null).text(), as: UTF8.self))
            }
            expect = try field["expect"]
            error = try field["error"].string()
        }

        static func all() throws -> [Row] {
            let text = Array(try Repository.testData("runtime/configurations.json"))
            return try JSONField(try JSONValue(parsing: text)).elements().map { try Row($0) }
        }
    }

    @Test(arguments: try Row.all())
    func `finds a network or says what is wrong`(row: Row) throws {
        let folder = try TemporaryFolder()
        for (name, text) in row.files { try folder.write(text, to: name) }
        let configurations = ConfigurationFolder(folder.path)
        if let error = row.error {
            let expected = error.replacing("FOLDER", with: folder.path)
            let thrown = #expect(throws: RuntimeError.self) { try configurations.network(named: "blue") }
            #expect(thrown?.description == expected)
            return
        }
        let found = try configurations.network(named: "blue")
        #expect(found.list.name == "blue")
        #expect(try found.file == "\(folder.path)/" + (row.expect["file"].string() ?? ""))
        #expect(try found.list.version.rawValue == row.expect["version"].string())
        #expect(try found.list.plugins.map(\.type) == row.expect["plugins"].strings())
        #expect(try found.list.disablesCheck == (row.expect["disableCheck"].bool() ?? false))
        #expect(try found.list.disablesGarbageCollection == (row.expect["disableGC"].bool() ?? false))
        let damaged = try row.expect["damaged"].strings()
        #expect(found.damaged.count == damaged.count)
        for (error, file) in zip(found.damaged, damaged) {
            #expect(error.description.hasPrefix("\(folder.path)/\(file): "))
        }

        // The document says the same as the list: it is what the result cache keeps.
        let again = try NetworkConfigurationList(JSONField(.object(found.list.document)))
        #expect(again.plugins == found.list.plugins)
        #expect(again.version == found.list.version)
        #expect(try again.loadsOnlyInlinedPlugins == (row.expect["inlinedOnly"].bool() ?? false))
    }

    @Test func `a folder that does not exist has no networks`() throws {
        #expect(throws: RuntimeError.networkNotFound(name: "blue", folder: "/nowhere/at/all", damaged: [])) {
            try ConfigurationFolder("/nowhere/at/all").network(named: "blue")
        }
    }

    @Test func `configurations may be symbolic links`() throws {
        let folder = try TemporaryFolder()
        let target = try folder.write(#"{"name": "blue", "type": "bridge"}"#, to: "elsewhere/file")
        try FileManager.default.createDirectory(atPath: "\(folder.path)/net.d", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/net.d/blue.conf", withDestinationPath: target)
        let found = try ConfigurationFolder("\(folder.path)/net.d").network(named: "blue")
        #expect(found.list.plugins.map(\.type) == ["bridge"])
    }

    @Test func `lists every network once, in order, and names the files that cannot be read`() throws {
        let folder = try TemporaryFolder()
        try folder.write(#"{"name": "red", "plugins": [{"type": "bridge"}]}"#, to: "20.conflist")
        try folder.write(#"{"name": "blue", "plugins": [{"type": "bridge"}]}"#, to: "10.conflist")
        try folder.write(#"{"name": "red", "type": "bridge"}"#, to: "10.conf")
        try folder.write(#"{"name": "green", "type": "bridge"}"#, to: "30.conf")
        try folder.write(#"{"name": "white"}"#, to: "40.conf")
        let (networks, damaged) = try ConfigurationFolder(folder.path).networks()
        #expect(networks.map(\.list.name) == ["blue", "red", "green"])
        #expect(
            damaged.map(\.description) == [
                "\(folder.path)/40.conf: type: expected the name of a plugin, without a path, found nothing"
            ])
    }
}
