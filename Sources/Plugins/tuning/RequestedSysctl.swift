internal import CNI
internal import JSON
internal import LinuxSystem

/// A kernel parameter of the container, and the value that a configuration wants it to have.
struct RequestedSysctl: Equatable {
    /// As it was written, for messages.
    let key: String
    let sysctl: Sysctl
    let value: String

    /// One member of a `sysctl` object.
    init(_ key: String, _ value: JSONField, in place: JSONPath, interfaceName: String) throws(JSONError) {
        func refused(_ expected: String, _ found: String) -> JSONError {
            JSONError(path: place, expected: expected, found: found)
        }
        guard let named = Sysctl(name: key) else {
            throw refused(
                "names of kernel parameters below net, such as net.ipv4.conf.IFNAME.arp_filter", JSONValue.quoted(key))
        }
        let components = named.components.map { $0 == "IFNAME" ? interfaceName : $0 }
        sysctl = Sysctl(components: components)
        if RequestedSysctl.ofTheMachine.contains(sysctl) {
            throw refused(
                "parameters of the container", "\(JSONValue.quoted(key)), which is one of the whole machine's")
        }
        guard case .string(let text)? = value.value else {
            throw refused("a string for \(JSONValue.quoted(key))", value.value?.summary ?? "null")
        }
        guard text.utf8.count <= Sysctl.maximumLength, text.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x09 }) else {
            throw refused(
                "a value of one line and at most \(Sysctl.maximumLength) bytes for \(JSONValue.quoted(key))",
                value.value?.summary ?? "null")
        }
        self.key = key
        self.value = text
    }

    /// In a container the kernel hides what the whole machine shares, or lets it only be read. This one it forgets:
    /// a switch that cannot be turned off again.
    private static let ofTheMachine: Set = [Sysctl("netfilter", "nf_hooks_lwtunnel")]

    /// Whether the kernel, which puts a tab between numbers, says the value that is wanted.
    func isMet(by found: String) -> Bool { RequestedSysctl.words(found) == RequestedSysctl.words(value) }

    private static func words(_ text: String) -> [[UInt8]] {
        text.utf8.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A }.map(Array.init)
    }
}

extension RequestedSysctl {
    /// All that a request wants, in the order in which they are written: of the configuration, then of the runtime, then of
    /// `args`, where each replaces what those before it say about the same parameter.
    static func list(_ document: JSONField, interfaceName: String) throws -> [RequestedSysctl] {
        let sources = [document, try document["runtimeConfig"], try document["args"]["cni"]]
        var list: [RequestedSysctl] = []
        for source in sources {
            var own: [RequestedSysctl] = []
            let place = try source["sysctl"]
            for (key, field) in try place.members() {
                let wanted = try RequestedSysctl(key, field, in: place.path, interfaceName: interfaceName)
                if let other = own.first(where: { $0.sysctl == wanted.sysctl }) {
                    throw JSONError(
                        path: place.path, expected: "one value for each parameter",
                        found: "\(JSONValue.quoted(other.key)) and \(JSONValue.quoted(key)), which are the same")
                }
                own.append(wanted)
            }
            for wanted in own {
                if let position = list.firstIndex(where: { $0.sysctl == wanted.sysctl }) {
                    list[position] = wanted
                } else {
                    list.append(wanted)
                }
            }
        }
        return list
    }
}
