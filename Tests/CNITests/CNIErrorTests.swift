import CNI
import JSON
import Testing

@Suite struct CNIErrorTests {
    @Test(arguments: SpecificationVersion.allCases) func `survives being printed and read`(
        version: SpecificationVersion
    ) throws {
        for error in [
            CNIError(.invalidConfiguration, "mtu: too large", details: "see\nthere"), CNIError(.failed, "no"),
        ] {
            guard case .object(let object) = try JSONValue(parsing: error.json(version: version).text()) else {
                throw JSONError(path: JSONPath(), expected: "an object", found: nil)
            }
            #expect(CNIError(object) == error)
            #expect(object["cniVersion"] == .string(version.rawValue))
            #expect(object["details"] == (error.details.isEmpty ? nil : .string(error.details)))
        }
    }

    @Test func `reads codes of others`() {
        #expect(CNIError(["code": 999, "msg": "x"])?.code.rawValue == 999)
        #expect(CNIError(["Code": 11, "Msg": "x", "Details": "y"]) == CNIError(.tryAgainLater, "x", details: "y"))
    }

    static let others: [JSONObject] = [
        [:], ["code": 7], ["msg": "x"], ["code": 0, "msg": "x"], ["code": "7", "msg": "x"], ["code": 7, "msg": 7],
        ["code": .real(7), "msg": "x"],
    ]

    @Test(arguments: others.indices) func `other objects are no errors`(row: Int) {
        #expect(CNIError(CNIErrorTests.others[row]) == nil)
    }

    @Test func `the codes are those of the specification`() {
        let codes: [CNIError.Code] = [
            .incompatibleVersion, .unsupportedField, .unknownContainer, .invalidEnvironment, .inputOutput, .decoding,
            .invalidConfiguration, .sandboxIsOwnNamespace, .tryAgainLater, .notAvailable, .notAvailableAndLimited,
        ]
        #expect(codes.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7, 8, 11, 50, 51])
        #expect(CNIError.Code.failed.rawValue >= 100 && CNIError.Code.delegateFailed.rawValue >= 100)
    }

    @Test func `says message and details`() {
        #expect(CNIError(.failed, "a", details: "b").description == "a: b")
        #expect(CNIError(.failed, "a").description == "a")
    }
}
