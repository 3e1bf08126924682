import CNI
import JSON
import Testing

@Suite struct VersionInfoTests {
    @Test func `names all seven versions, oldest first`() {
        #expect(
            VersionInfo().json == [
                "cniVersion": "1.1.0",
                "supportedVersions": ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
            ])
    }

    @Test func `survives being printed and read`() throws {
        let info = VersionInfo(version: .v0_4_0, supported: [.v0_3_1, .v0_4_0])
        #expect(try VersionInfo(JSONField(info.json)) == info)
    }

    @Test func `versions that are not known are left out`() throws {
        let info = try VersionInfo(JSONField(["cniVersion": "9.0.0", "supportedVersions": ["1.0.0", "9.0.0"]]))
        #expect(info.supported == [.v1_0_0])
    }

    @Test func `a plugin that names none speaks the first`() throws {
        #expect(try VersionInfo(JSONField(["cniVersion": "0.1.0"])).supported == [.v0_1_0])
    }

    @Test func `a list that is none is an error`() {
        #expect(throws: JSONError.self) { try VersionInfo(JSONField(["supportedVersions": "1.0.0"])) }
        #expect(throws: JSONError.self) { try VersionInfo(JSONField(["supportedVersions": [1]])) }
    }

    @Test func `versions sort by age`() {
        #expect(SpecificationVersion.allCases == SpecificationVersion.allCases.sorted())
        #expect(SpecificationVersion.latest == .v1_1_0)
    }
}
