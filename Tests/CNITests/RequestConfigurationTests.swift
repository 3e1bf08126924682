import CNI
import JSON
import NetworkAddress
import TestSupport
import Testing

/// Configurations from `testdata/requests`.
@Suite struct RequestConfigurationTests {
    static let good = (try? TestRows.list("requests/good.json")) ?? []
    static let bad = (try? TestRows.list("requests/bad.json")) ?? []

    @Test func `there are rows`() {
        #expect(RequestConfigurationTests.good.count >= 10)
        #expect(RequestConfigurationTests.bad.count >= 30)
    }

    @Test(arguments: good.indices) func `reads good ones`(number: Int) throws {
        let row = RequestConfigurationTests.good[number]
        let about = try row["about"].string() ?? ""
        let request = try RequestConfiguration(try #require(try row["request"].value).text())
        #expect(request.version.rawValue == (try row["version"].string()), "\(about)")
        #expect(request.network == (try row["network"].string()), "\(about)")
        #expect(request.type == (try row["type"].string()), "\(about)")
        #expect(request.ipamType == (try row["ipamType"].string()), "\(about)")
        #expect(request.prevResult == nil, "\(about)")
        let attachments = try row["validAttachments"]
        #expect(
            request.validAttachments?.map(\.description) == (attachments.isAbsent ? nil : try attachments.strings()),
            "\(about)")
    }

    @Test(arguments: bad.indices) func `refuses bad ones with code and reason`(number: Int) throws {
        let row = RequestConfigurationTests.bad[number]
        let about = try row["about"].string() ?? ""
        let text = try row["text"].string().map { Array($0.utf8) } ?? row["request"].value?.text() ?? []
        let error = #expect(throws: (any Error).self, "\(about)") { try RequestConfiguration(text) }
        // What is thrown as an error of the document's keys is reported with code 7.
        let code = (error as? CNIError)?.code ?? (error is JSONError ? .invalidConfiguration : nil)
        #expect(code?.rawValue == (try row["code"].integer(in: 1...999)), "\(about)")
        #expect("\(error.map { "\($0)" } ?? "")" == (try row["message"].string()), "\(about)")
    }

    @Test func `reads the earlier result in its own version`() throws {
        let text =
            #"{"cniVersion":"1.0.0","name":"net","prevResult":{"cniVersion":"0.2.0","ip4":{"ip":"10.1.0.5/16"}}}"#
        let request = try RequestConfiguration(Array(text.utf8))
        #expect(request.prevResult?.ips.map(\.address.description) == ["10.1.0.5/16"])
    }

    @Test func `reads an earlier result without version in that of the request`() throws {
        let text = #"{"cniVersion":"0.2.0","name":"net","prevResult":{"ip4":{"ip":"10.1.0.5/16"}}}"#
        #expect(try RequestConfiguration(Array(text.utf8)).prevResult?.ips.count == 1)
    }

    @Test func `the whole document stays at hand`() throws {
        let request = try RequestConfiguration(Array(#"{"name":"net","bridge":"cni0"}"#.utf8))
        #expect(try request.document["bridge"].string() == "cni0")
    }
}
