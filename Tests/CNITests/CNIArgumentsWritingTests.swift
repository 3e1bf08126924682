import CNI
import Testing

@Suite struct CNIArgumentsWritingTests {
    @Test func `arguments are written as they were read`() throws {
        let arguments = try CNIArguments("IgnoreUnknown=1;;K8S_POD_NAME=Web=1;empty=;IP=10.1.0.9;")
        #expect(arguments.description == "IgnoreUnknown=1;K8S_POD_NAME=Web=1;empty=;IP=10.1.0.9")
        #expect(arguments.pairs.map(\.key) == ["IgnoreUnknown", "K8S_POD_NAME", "empty", "IP"])
        #expect(CNIArguments(arguments.pairs) == arguments)
        #expect(CNIArguments.none.description == "")
    }

    @Test(arguments: [("", "v"), ("a=b", "v"), ("a;b", "v"), ("a", "v;w"), ("a", "v;\u{301}"), ("a", "\0")])
    func `what CNI_ARGS cannot hold is refused`(key: String, value: String) {
        #expect(CNIArguments([CNIArguments.Pair(key: key, value: value)]) == nil)
    }
}
