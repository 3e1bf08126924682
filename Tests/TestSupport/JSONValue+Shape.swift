public import JSON

extension JSONValue {
    /// Every key, and every value that does not differ from container to container, one line each, sorted: to compare
    /// results of two plugins.
    public var shape: [String] {
        func walk(_ value: JSONValue, _ path: String) -> [String] {
            switch value {
            case .object(let object): return object.members.flatMap { walk($0.value, path + "." + $0.key) }
            case .array(let elements): return elements.enumerated().flatMap { walk($1, path + "[\($0)]") }
            case .string(let text):
                let differs =
                    [".mac", ".sandbox", ".address", ".ip"].contains { path.hasSuffix($0) } || text.hasPrefix("veth")
                return [path + (differs ? "" : " = \(text)")]
            default: return ["\(path) = \(value)"]
            }
        }
        return walk(self, "").sorted()
    }
}
