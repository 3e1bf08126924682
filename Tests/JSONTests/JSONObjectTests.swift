import JSON
import Testing

@Suite struct JSONObjectTests {
    @Test func `keys match without regard to the case of ASCII letters only`() {
        let object: JSONObject = ["HostPort": 1, "Ä": 2]
        #expect(object["hostport"] == 1)
        #expect(object["HOSTPORT"] == 1)
        #expect(object["ä"] == nil)
        #expect(object["host_port"] == nil)
        #expect(object["@"] == nil)
    }

    @Test func `setting replaces in place and keeps the key as it was written`() {
        var object: JSONObject = ["A": 1, "b": 2]
        object["a"] = 3
        object["c"] = 4
        #expect(object.members.map(\.key) == ["A", "b", "c"])
        #expect(object["A"] == 3)
    }

    @Test func `setting nil removes every match`() {
        var object = JSONObject([.init(key: "a", value: 1), .init(key: "b", value: 2), .init(key: "A", value: 3)])
        object["a"] = nil
        #expect(object == ["b": 2])
    }

    @Test func `without leaves the others in order`() {
        let object: JSONObject = ["z": 1, "Name": 2, "a": 3]
        #expect(object.without(["name", "x"]) == ["z": 1, "a": 3])
    }
}
