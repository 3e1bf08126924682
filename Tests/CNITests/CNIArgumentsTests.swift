import CNI
import Testing

@Suite struct CNIArgumentsTests {
    @Test func `reads what podman sends`() throws {
        let arguments = try CNIArguments("IgnoreUnknown=1;K8S_POD_NAME=web;IP=10.88.0.9;MAC=92:d0:c6:0a:29:33")
        #expect(arguments["IgnoreUnknown"] == "1")
        #expect(arguments["k8s_pod_name"] == "web")
        #expect(arguments["ip"] == "10.88.0.9")
        #expect(arguments["MAC"] == "92:d0:c6:0a:29:33")
        #expect(arguments["other"] == nil)
    }

    @Test(arguments: ["", ";", ";;"]) func `nothing is no arguments`(text: String) throws {
        #expect(try CNIArguments(text) == .none)
    }

    @Test func `the last of equal keys counts, an empty value is none, a value may hold the separator`() throws {
        let arguments = try CNIArguments("A=1;a=2;B=;C=x=y;")
        #expect(arguments["A"] == "2")
        #expect(arguments["B"] == nil)
        #expect(arguments["C"] == "x=y")
    }

    @Test(arguments: ["A", "=1", "A=1;B", "A=1;=2"]) func `what is no pair is an error with code 4`(
        text: String
    ) {
        let error = #expect(throws: CNIError.self) { try CNIArguments(text) }
        #expect(error?.code == .invalidEnvironment)
        #expect(error?.message.hasPrefix("CNI_ARGS: ") == true)
    }
}
